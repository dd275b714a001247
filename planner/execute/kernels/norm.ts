import { numel } from '../../trace/axes.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import type { Kernel } from './kernel.ts'
import type { Num, Primitives } from './primitives.ts'
import { summed } from './reduction.ts'

/** (x − mean) · rstd */
function normalized(p: Primitives, x: Num, mean: Num, rstd: Num): Num {
  const centred = p.binary('Sub', x, mean)
  const y = p.binary('Multiply', centred, rstd)
  p.free(centred)
  return y
}

/** Mean over the last axis with its 4-byte factor. */
function rowMean(p: Primitives, x: Num): Num {
  const sum = p.rows('Sum', x)
  const mean = p.scaled('Multiply', sum, 1 / x.axes.at(-1)!.size)
  p.free(sum)
  return mean
}

/**
 * torch.nn.LayerNorm over the last axis, `[…, h] → […, h]`. With x̂ = (x − mean) · rstd and ĝ = g · weight:
 * d input = rstd · (ĝ − mean ĝ − x̂ · mean(ĝ · x̂)), d weight = Σ g · x̂, d bias = Σ g.
 */
export const layerNorm: Kernel<'layer_norm'> = (p) => ({
  forward: (call) => {
    const x = call.inputs[0]!
    const [weight, bias] = [call.inputs[1] ?? null, call.inputs[2] ?? null]
    const wanted = call.needs(0) || call.needs(1) || call.needs(2)
    if (wanted) {
      call.save('input', x, 'd input, d weight')
      if (weight) call.save('weight', weight, 'd input')
    }
    const mean = rowMean(p, x)
    const centred = p.binary('Sub', x, mean)
    const square = p.binary('Multiply', centred, centred)
    const variance = rowMean(p, square)
    p.free(square)
    const widened = p.scaled('Add', variance, call.attributes.eps)
    p.free(variance)
    const rstd = p.unary('Rsqrt', widened)
    p.free(widened)
    const hat = p.binary('Multiply', centred, rstd)
    p.free(centred)
    const y = weight ? p.binary('Multiply', hat, weight) : p.alias(hat)
    p.free(hat)
    if (bias) addToRows(p, y, bias)
    if (wanted) {
      p.saving([mean, rstd, y], () => {
        call.save('mean', mean, 'd input, d weight')
        call.save('rstd', rstd, 'd input, d weight')
      })
    }
    p.free(mean, rstd)
    return [y]
  },
  backward: (call) => {
    const g = call.grads[0]!
    const [x, mean, rstd] = [call.saved('input'), call.saved('mean'), call.saved('rstd')]
    let dx: Num | null = null
    let dWeight: Num | null = null
    let dBias: Num | null = null
    if (call.needs(0)) {
      const scaled = p.binary('Multiply', g, call.saved('weight'))
      const hat = normalized(p, x, mean, rstd)
      const both = p.binary('Multiply', scaled, hat)
      const slope = rowMean(p, both)
      p.free(both)
      const along = p.binary('Multiply', hat, slope)
      p.free(hat, slope)
      const level = rowMean(p, scaled)
      const rest = p.binary('Sub', scaled, level)
      p.free(scaled, level)
      const across = p.binary('Sub', rest, along)
      p.free(rest, along)
      dx = p.binary('Multiply', across, rstd)
      p.free(across)
    }
    if (call.needs(1)) {
      const hat = normalized(p, x, mean, rstd)
      const both = p.binary('Multiply', g, hat)
      p.free(hat)
      dWeight = summed(p, both, call.inputs[1]!.axes)
      p.free(both)
    }
    if (call.needs(2)) dBias = summed(p, g, call.inputs[2]!.axes)
    return [dx, dWeight, dBias]
  },
})

/** Adds a row to each row of a tensor that nobody else holds yet, in place. */
export function addToRows(p: Primitives, y: Num, row: Num): void {
  const width = numel(row.axes)
  const told = () => ({ count: numel(y.axes), whole: [width] })
  p.loop(ADD_ROW, [y, row], told, (to, from) => {
    for (let at = 0; at < to.length; at += width) for (let i = 0; i < width; i++) to[at + i]! += from[i]!
  })
}

const ADD_ROW: DeviceLoop = { name: 'add row', written: 1, body: 'b0[i] += b1[i % n(0)];' }

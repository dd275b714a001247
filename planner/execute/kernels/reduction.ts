import { numel, ONE } from '../../trace/axes.ts'
import { type DType, isFloating } from '../../trace/dtype.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import { EngineError } from '../errors.ts'
import { eachRun, foldsOf, stepsOf } from './broadcast.ts'
import type { Kernel } from './kernel.ts'
import type { Num, Primitives } from './primitives.ts'

/** Mean over the last axis: `[…, m] → […, 1]`. d self = g / m, stretched. */
export const mean: Kernel<'mean'> = (p) => ({
  forward: ({ inputs: [x] }) => {
    const sum = p.rows('Sum', x!)
    const y = p.scaled('Multiply', sum, 1 / x!.axes.at(-1)!.size)
    p.free(sum)
    return [y]
  },
  backward: ({ grads: [g], inputs: [x] }) => {
    const part = p.scaled('Multiply', g!, 1 / x!.axes.at(-1)!.size)
    const dx = stretched(p, part, x!.axes)
    p.free(part)
    return [dx]
  },
})

/** Sum over one axis. d self = g, stretched. */
export const sum: Kernel<'sum'> = (p) => ({
  forward: ({ inputs: [x], attributes: { at, keep } }) => {
    const kept = x!.axes.map((a, i) => (i === at ? ONE : a))
    const axes = keep ? kept : kept.filter((_, i) => i !== at)
    return [summed(p, x!, axes, kept, isFloating(x!.dtype) ? x!.dtype : 'int64')]
  },
  backward: ({ grads: [g], inputs: [x], attributes: { at } }) => [
    stretched(
      p,
      g!,
      x!.axes,
      x!.axes.map((a, i) => (i === at ? ONE : a)),
    ),
  ],
})

const STRETCH: DeviceLoop = { name: 'stretch', written: 1, body: 'b0[i] = b1[place(i, 1, n(0))];' }

const FOLD: DeviceLoop = {
  name: 'fold',
  written: 1,
  body: `
    let summed = 3 + 2 * n(0);
    let start = place(i, 3, n(0));
    var sum = T0(0);
    for (var k = 0u; k < n(2); k++) { sum += T0(b1[start + place(k, summed, n(1))]); }
    b0[i] = sum;`,
}

/** A copy of `x` broadcast to `axes`; `aligned` are its own where an axis of one element is missing. Written over the storages: tfjs's Tile walks an index an element. */
export function stretched(p: Primitives, x: Num, axes: Num['axes'], aligned: Num['axes'] = x.axes): Num {
  const y = p.zeros(axes, x.dtype)
  const told = () => ({ count: numel(axes), whole: stepsOf(axes, aligned) })
  p.loop(STRETCH, [y, x], told, (to, from) => {
    eachRun(axes, aligned, (at, of, length, step) => {
      if (step === 1) to.set(from.subarray(of, of + length), at)
      else to.fill(from[of]!, at, at + length)
    })
  })
  return y
}

/** Sum of a broadcast tensor's gradient to the operand's axes, `aligned` as for `stretched`. One storage: tfjs's Sum would copy a transposed tensor first. */
export function summed(
  p: Primitives,
  x: Num,
  axes: Num['axes'],
  aligned: Num['axes'] = axes,
  dtype: DType = 'float32',
): Num {
  const y = p.zeros(axes, dtype)
  const told = () => ({ count: numel(axes), whole: foldsOf(x.axes, aligned) })
  p.loop(FOLD, [y, x], told, (to, from) => {
    const sums = new Float64Array(to.length)
    eachRun(x.axes, aligned, (at, of, length, step) => {
      if (step === 1) for (let i = 0; i < length; i++) sums[of + i]! += from[at + i]!
      else {
        let sum = 0
        for (let i = at; i < at + length; i++) sum += from[i]!
        sums[of]! += sum
      }
    })
    to.set(sums)
  })
  return y
}

/** Euclidean length of each row, without a gradient: DoRA detaches it. `[n, m] → [n]` */
export const vectorNorm: Kernel<'vector_norm'> = (p) => ({
  forward: (call) => {
    if (call.needs(0)) {
      throw new EngineError('not-executed', 'vector_norm', 'its gradient is not executed', 'Detach its operand.')
    }
    const x = call.inputs[0]!
    const square = p.binary('Multiply', x, x)
    const sum = p.rows('Sum', square)
    p.free(square)
    const root = p.unary('Sqrt', sum)
    p.free(sum)
    const y = p.alias(root, x.axes.slice(0, -1))
    p.free(root)
    return [y]
  },
  backward: () => [null],
})

/** e^(x − max) / Σ, over the last axis. d self = (g − Σ g·y) · y */
export const softmax: Kernel<'softmax'> = (p) => ({
  forward: (call) => {
    const x = call.inputs[0]!
    const max = p.rows('Max', x)
    const shifted = p.binary('Sub', x, max)
    p.free(max)
    const powers = p.unary('Exp', shifted)
    p.free(shifted)
    const sum = p.rows('Sum', powers)
    const y = p.binary('RealDiv', powers, sum)
    p.free(powers, sum)
    if (call.needs(0)) p.saving([y], () => call.save('result', y, 'd self by the result'))
    return [y]
  },
  backward: (call) => {
    const g = call.grads[0]!
    const y = call.saved('result')
    const weighted = p.binary('Multiply', g, y)
    const sum = p.rows('Sum', weighted)
    p.free(weighted)
    const rest = p.binary('Sub', g, sum)
    p.free(sum)
    const dx = p.binary('Multiply', rest, y)
    p.free(rest)
    return [dx]
  },
})

/** (x − max) − ln Σ e^(x − max), over the last axis. d self = g − e^y · Σ g */
export const logSoftmax: Kernel<'log_softmax'> = (p) => ({
  forward: (call) => {
    const x = call.inputs[0]!
    const max = p.rows('Max', x)
    const shifted = p.binary('Sub', x, max)
    p.free(max)
    const powers = p.unary('Exp', shifted)
    const sum = p.rows('Sum', powers)
    p.free(powers)
    const log = p.unary('Log', sum)
    p.free(sum)
    const y = p.binary('Sub', shifted, log)
    p.free(shifted, log)
    if (call.needs(0)) p.saving([y], () => call.save('result', y, 'd self by the result'))
    return [y]
  },
  backward: (call) => {
    const g = call.grads[0]!
    const sum = p.rows('Sum', g)
    const powers = p.unary('Exp', call.saved('result'))
    const share = p.binary('Multiply', powers, sum)
    p.free(sum, powers)
    const dx = p.binary('Sub', g, share)
    p.free(share)
    return [dx]
  },
})

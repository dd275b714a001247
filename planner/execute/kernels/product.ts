import { type Axes, merge } from '../../trace/axes.ts'
import type { Kernel } from './kernel.ts'
import { addToRows } from './norm.ts'
import type { Num, Primitives } from './primitives.ts'

/** `[…, m]` seen as `[rows, m]`. */
const flat = (p: Primitives, x: Num): Num => p.alias(x, matrix(x.axes))
const matrix = (axes: Axes): Axes => [merge(axes.slice(0, -1)), axes.at(-1)!]

/**
 * `y = x · Wᵀ + bias`, weight `[out, in]` as PyTorch stores it. d input = g · W, d weight = gᵀ · x; the bias gets the incoming
 * gradient, which the tape's engine sums.
 */
export const linear: Kernel<'linear'> = (p) => ({
  forward: (call) => {
    const [x, weight] = [call.inputs[0]!, call.inputs[1]!]
    const bias = call.inputs[2] ?? null
    if (call.needs(1)) call.save('input', x, 'dW')
    if (call.needs(0)) call.save('weight', weight, 'dX')
    return call.kernel(() => {
      const rows = flat(p, x)
      const y = p.product(rows, weight, [rows.axes[0]!, weight.axes[0]!], 'second')
      p.free(rows)
      if (bias) addToRows(p, y, bias)
      const result = p.alias(y, [...x.axes.slice(0, -1), weight.axes[0]!])
      p.free(y)
      return [result]
    })
  },
  backward: (call) => {
    const g = flat(p, call.grads[0]!)
    let dx: Num | null = null
    let dWeight: Num | null = null
    if (call.needs(0)) {
      const product = p.product(g, call.saved('weight'), matrix(call.inputs[0]!.axes))
      dx = p.alias(product, call.inputs[0]!.axes)
      p.free(product)
    }
    if (call.needs(1)) {
      const rows = flat(p, call.saved('input'))
      dWeight = p.product(g, rows, call.inputs[1]!.axes, 'first')
      p.free(rows)
    }
    p.free(g)
    return [dx, dWeight, call.needs(2) ? call.grads[0]! : null]
  },
})

/** `y = x · W + bias`, x `[rows, in]`, weight `[in, out]`. d input = g · Wᵀ, d weight = xᵀ · g */
export const conv1d: Kernel<'conv1d'> = (p) => ({
  forward: (call) => {
    const [x, weight, bias] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!]
    if (call.needs(1)) call.save('input', x, 'dW')
    if (call.needs(0)) call.save('weight', weight, 'dX')
    return call.kernel(() => {
      const y = p.product(x, weight, [x.axes[0]!, weight.axes[1]!])
      addToRows(p, y, bias)
      return [y]
    })
  },
  backward: (call) => {
    const g = call.grads[0]!
    const dx = call.needs(0) ? p.product(g, call.saved('weight'), call.inputs[0]!.axes, 'second') : null
    const dWeight = call.needs(1) ? p.product(call.saved('input'), g, call.inputs[1]!.axes, 'first') : null
    return [dx, dWeight, call.needs(2) ? g : null]
  },
})

/** `[s, n, k] × [s, k, m] → [s, n, m]`. d mat2 = selfᵀ · g, d self = g · mat2ᵀ */
export const bmm: Kernel<'bmm'> = (p) => ({
  forward: (call) => {
    const [a, b] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(1)) call.save('self', a, 'd mat2')
    if (call.needs(0)) call.save('mat2', b, 'd self')
    return call.kernel(() => [p.product(a, b, [a.axes[0]!, a.axes[1]!, b.axes[2]!])])
  },
  backward: (call) => {
    const g = call.grads[0]!
    const mat2 = call.needs(1) ? p.product(call.saved('self'), g, call.inputs[1]!.axes, 'first') : null
    const self = call.needs(0) ? p.product(g, call.saved('mat2'), call.inputs[0]!.axes, 'second') : null
    return [self, mat2]
  },
})

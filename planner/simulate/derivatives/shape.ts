import type { Backward, Operation } from '../../autograd/operation.ts'
import { type Axes, axis, ONE, sameSizes } from '../../trace/axes.ts'
import { isFloating } from '../../trace/dtype.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import { isContiguous, viewStrides } from '../strides.ts'

/** `x` with new axes: the same storage where the runtime and the strides allow, else a dense copy. */
export function reshaped(simulator: Simulator, x: SimTensor, axes: Axes): SimTensor {
  const strides = viewStrides(x.axes, x.data.strides, axes)
  return strides ? simulator.view(x, axes, strides) : simulator.alloc(axes, x.dtype)
}

/** A view where the runtime has strides, a dense copy where it has not. */
function restrided(simulator: Simulator, x: SimTensor, axes: Axes, strides: readonly number[]): SimTensor {
  return simulator.dialect.strided ? simulator.view(x, axes, strides) : simulator.alloc(axes, x.dtype)
}

const pick = <T>(xs: readonly T[], order: readonly number[]): T[] => order.map((i) => xs[i]!)

/** view, reshape: the gradient takes the old shape again (derivatives.yaml, view: grad.reshape(self.sizes())). */
export function reshape<N extends 'view' | 'reshape'>(simulator: Simulator): Operation<View, N> {
  return {
    forward: ({ inputs, attributes }) => [reshaped(simulator, inputs[0]!, attributes.axes)],
    backward: ({ grads, inputs }) => [reshaped(simulator, grads[0]!, inputs[0]!.axes)],
  }
}

function turned(simulator: Simulator, x: SimTensor, order: readonly number[]): SimTensor {
  return restrided(simulator, x, pick(x.axes, order), pick(x.data.strides, order))
}

/** The gradient is turned back (derivatives.yaml, permute). */
export const permute = (simulator: Simulator): Operation<View, 'permute'> => ({
  forward: ({ inputs, attributes }) => [turned(simulator, inputs[0]!, attributes.order)],
  backward: ({ grads, attributes: { order } }) => [
    turned(
      simulator,
      grads[0]!,
      order.map((_, i) => order.indexOf(i)),
    ),
  ],
})

const swap = (rank: number, a: number, b: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i))

/** The gradient is turned back (derivatives.yaml, transpose.int). */
export const transpose = (simulator: Simulator): Operation<View, 'transpose'> => ({
  forward: ({ inputs, attributes: { a, b } }) => [turned(simulator, inputs[0]!, swap(inputs[0]!.axes.length, a, b))],
  backward: ({ grads, attributes: { a, b } }) => [turned(simulator, grads[0]!, swap(grads[0]!.axes.length, a, b))],
})

/**
 * The gradient is stretched over the axis again, a view (derivatives.yaml, sum.dim_IntList: sum_backward); the engine casts it where the
 * sum has another type.
 */
export const sum = (simulator: Simulator): Operation<View, 'sum'> => ({
  forward: ({ inputs, attributes: { at, keep, dtype: told } }) => {
    const { axes, dtype } = inputs[0]!
    const rest = axes.flatMap((a, i) => (i !== at ? [a] : keep ? [ONE] : []))
    return [simulator.alloc(rest, isFloating(dtype) ? (told ?? dtype) : simulator.dialect.integer)]
  },
  backward: ({ grads, inputs, attributes: { at, keep } }) => {
    const g = grads[0]!
    const { strides } = g.data
    const wide = [...strides.slice(0, at), 0, ...strides.slice(keep ? at + 1 : at)]
    return [restrided(simulator, g, inputs[0]!.axes, wide)]
  },
})

/** The gradient is summed over what was broadcast (derivatives.yaml, expand: sum_to); the engine's own reduction does the same. */
export const expand = (simulator: Simulator): Operation<View, 'expand'> => ({
  forward: ({ inputs, attributes: { axes } }) => {
    const x = inputs[0]!
    if (!simulator.dialect.strided && sameSizes(x.axes, axes)) return [simulator.view(x, axes, x.data.strides)]
    const missing = axes.length - x.axes.length
    const strides = axes.map((a, i) => {
      const at = i - missing
      return at < 0 || (x.axes[at]!.size === 1 && a.size !== 1) ? 0 : x.data.strides[at]!
    })
    return [restrided(simulator, x, axes, strides)]
  },
  backward: ({ grads, inputs }) => {
    const g = grads[0]!
    const { axes } = inputs[0]!
    return [sameSizes(g.axes, axes) ? g : simulator.sumTo(g, axes)]
  },
})

export const unsqueeze = (simulator: Simulator): Operation<View, 'unsqueeze'> => ({
  forward: ({ inputs, attributes: { at } }) => {
    const x = inputs[0]!
    const axes = [...x.axes.slice(0, at), ONE, ...x.axes.slice(at)]
    const step = at < x.axes.length ? x.axes[at]!.size * x.data.strides[at]! : 1
    return [simulator.view(x, axes, [...x.data.strides.slice(0, at), step, ...x.data.strides.slice(at)])]
  },
  backward: ({ grads, inputs, attributes: { at } }) => {
    const g = grads[0]!
    return [
      simulator.view(
        g,
        inputs[0]!.axes,
        g.data.strides.filter((_, i) => i !== at),
      ),
    ]
  },
})

/** The gradient is a whole tensor of zeros with the slice written in (derivatives.yaml, slice.Tensor: slice_backward). */
export const slice = (simulator: Simulator): Operation<View, 'slice'> => ({
  forward: ({ inputs, attributes: { at, length, name } }) => {
    const x = inputs[0]!
    const axes = x.axes.map((a, i) => (i === at ? axis(name ?? a.name, length) : a))
    return [restrided(simulator, x, axes, x.data.strides)]
  },
  backward: ({ grads, inputs }) => [simulator.alloc(inputs[0]!.axes, grads[0]!.dtype)],
})

/** As slice (derivatives.yaml, select.int: select_backward). */
export const select = (simulator: Simulator): Operation<View, 'select'> => ({
  forward: ({ inputs, attributes: { at } }) => {
    const x = inputs[0]!
    const keep = x.axes.map((_, i) => i).filter((i) => i !== at)
    return [restrided(simulator, x, pick(x.axes, keep), pick(x.data.strides, keep))]
  },
  backward: ({ grads, inputs }) => [simulator.alloc(inputs[0]!.axes, grads[0]!.dtype)],
})

/** One tensor of the gradients of all results, with zeros on the way for those that have none. */
const joinedGradient =
  (simulator: Simulator) =>
  ({ grads, inputs, outputs }: Backward<View, 'split' | 'unbind'>): readonly SimTensor[] => {
    const { axes, dtype } = inputs[0]!
    const zeros = outputs.filter((_, i) => !grads[i]).map((m) => simulator.alloc(m.axes, m.dtype))
    const whole = simulator.alloc(axes, dtype)
    for (const z of zeros) simulator.release(z)
    return [whole]
  }

/** Parts side by side; their gradients are joined, zeros made for a part that has none (derivatives.yaml, split_backward). */
export const split = (simulator: Simulator): Operation<View, 'split'> => ({
  forward: ({ inputs, attributes: { at, parts } }) => {
    const x = inputs[0]!
    return parts.map((part) =>
      restrided(
        simulator,
        x,
        x.axes.map((a, i) => (i === at ? part : a)),
        x.data.strides,
      ),
    )
  },
  backward: joinedGradient(simulator),
})

/** Places of an axis, each without it; their gradients are stacked, zeros made for one that has none (derivatives.yaml, unbind_backward). */
export const unbind = (simulator: Simulator): Operation<View, 'unbind'> => ({
  forward: ({ inputs, attributes: { at } }) => {
    const x = inputs[0]!
    const keep = x.axes.map((_, i) => i).filter((i) => i !== at)
    return Array.from({ length: x.axes[at]!.size }, () =>
      restrided(simulator, x, pick(x.axes, keep), pick(x.data.strides, keep)),
    )
  },
  backward: joinedGradient(simulator),
})

/** A copy only where the layout is not row by row already; the gradient passes (derivatives.yaml, clone). */
export const contiguous = (simulator: Simulator): Operation<View, 'contiguous'> => ({
  forward: ({ inputs }) => {
    const x = inputs[0]!
    return [isContiguous(x.axes, x.data.strides) ? x : simulator.alloc(x.axes, x.dtype)]
  },
  backward: ({ grads }) => [grads[0]!],
})

/** Each part's gradient is its slice of the whole one (derivatives.yaml, cat: narrow). */
export const cat = (simulator: Simulator): Operation<View, 'cat'> => ({
  forward: ({ inputs, attributes: { at } }) => {
    const parts = inputs.map((v) => v!)
    const size = parts.reduce((n, v) => n + v.axes[at]!.size, 0)
    const whole = parts.map((v) => v.axes[at]!.name).join('+')
    const axes = parts[0]!.axes.map((a, i) => (i === at ? axis(nameOfWhole(whole, a.name), size) : a))
    return [simulator.alloc(axes, parts[0]!.dtype)]
  },
  backward: (call) => {
    const g = call.grads[0]!
    return call.inputs.map((m, i) => (m && call.needs(i) ? restrided(simulator, g, m.axes, g.data.strides) : null))
  },
})

/** Two halves of an axis (`d/2+d/2`) are the axis again. */
function nameOfWhole(joined: string, first: string): string {
  const half = first.endsWith('/2') ? first.slice(0, -2) : null
  return half !== null && joined === `${first}+${first}` ? half : joined
}

/** Always a copy; the gradient passes (derivatives.yaml, clone). */
export const clone = (simulator: Simulator): Operation<View, 'clone'> => ({
  forward: ({ inputs }) => [simulator.alloc(inputs[0]!.axes, inputs[0]!.dtype, inputs[0]!.data.strides)],
  backward: ({ grads }) => [grads[0]!],
})

/** A parameter's new storage, then its old one goes; nothing is recorded for what is frozen. */
export const retype = (simulator: Simulator): Operation<View, 'retype'> => ({
  forward: ({ inputs, attributes: { dtype } }) => {
    const p = inputs[0]!
    return [p.dtype === dtype ? p : simulator.replace(p, dtype)]
  },
  backward: () => [null],
})

/** The same storage; never recorded. */
export const detach = (simulator: Simulator): Operation<View, 'detach'> => ({
  forward: ({ inputs }) => [simulator.view(inputs[0]!, inputs[0]!.axes, inputs[0]!.data.strides)],
  backward: () => [null],
})

/** The left operand's storage under a new history; both gradients are the incoming one (derivatives.yaml, add.Tensor). */
export const addInPlace = (simulator: Simulator): Operation<View, 'add_'> => ({
  forward: ({ inputs }) => [simulator.alias(inputs[0]!)],
  backward: (call) => [call.needs(0) ? call.grads[0]! : null, call.needs(1) ? call.grads[0]! : null],
})

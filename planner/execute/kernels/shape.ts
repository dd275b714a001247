import type { NamedAttrMap } from '@tensorflow/tfjs-core'
import { type Axes, axis, ONE, sameSizes, sizes } from '../../trace/axes.ts'
import type { Kernel } from './kernel.ts'
import { engineType, type Num, type Primitives } from './primitives.ts'
import { stretched, summed } from './reduction.ts'

/** Other axes over the same storage; tensors are dense here, so a reshape never copies. */
const reshaped = <N extends 'view' | 'reshape'>(): Kernel<N> => {
  return (p) => ({
    forward: ({ inputs, attributes }) => [p.alias(inputs[0]!, attributes.axes)],
    backward: ({ grads, inputs }) => [p.alias(grads[0]!, inputs[0]!.axes)],
  })
}
export const view: Kernel<'view'> = reshaped()
export const reshape: Kernel<'reshape'> = reshaped()

const swapped = (rank: number, a: number, b: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i))

/** A copy: tfjs has no strides. The gradient is turned back. */
export const transpose: Kernel<'transpose'> = (p) => ({
  forward: ({ inputs: [x], attributes: { a, b } }) => [p.turned(x!, swapped(x!.axes.length, a, b))],
  backward: ({ grads: [g], attributes: { a, b } }) => [p.turned(g!, swapped(g!.axes.length, a, b))],
})

export const permute: Kernel<'permute'> = (p) => ({
  forward: ({ inputs: [x], attributes: { order } }) => [p.turned(x!, order)],
  backward: ({ grads: [g], attributes: { order } }) => [
    p.turned(
      g!,
      order.map((_, i) => order.indexOf(i)),
    ),
  ],
})

/** A copy where it stretches anything. The gradient is summed over what was stretched. */
export const expand: Kernel<'expand'> = (p) => ({
  forward: ({ inputs: [x], attributes: { axes } }) => [
    sameSizes(x!.axes, axes) ? p.alias(x!, axes) : stretched(p, x!, axes),
  ],
  backward: ({ grads: [g], inputs: [x] }) => [sameSizes(g!.axes, x!.axes) ? g! : summed(p, g!, x!.axes)],
})

export const unsqueeze: Kernel<'unsqueeze'> = (p) => ({
  forward: ({ inputs: [x], attributes: { at } }) => [p.alias(x!, [...x!.axes.slice(0, at), ONE, ...x!.axes.slice(at)])],
  backward: ({ grads: [g], inputs: [x] }) => [p.alias(g!, x!.axes)],
})

/** `length` places of axis `at` from `start`, copied. */
function sliced(p: Primitives, x: Num, at: number, start: number, axes: Axes): Num {
  if (isEmpty(axes)) return p.zeros(axes, x.dtype)
  const attributes: NamedAttrMap = { begin: axes.map((_, i) => (i === at ? start : 0)), size: sizes(axes) }
  return p.run('Slice', { x }, axes, attributes, engineType(x.dtype))
}

const isEmpty = (axes: Axes): boolean => axes.some((a) => a.size === 0)

/** Zeros around a gradient of `[…, length, …]` where the slice was. */
function padded(p: Primitives, g: Num, at: number, start: number, axes: Axes): Num {
  // Without padding WebGPU would hand back the gradient itself.
  if (sameSizes(g.axes, axes)) return copied(p, g, axes)
  const paddings = axes.map((a, i) => (i === at ? [start, a.size - start - g.axes[i]!.size] : [0, 0]))
  // tfjs types attributes without nested lists, which PadV2 takes all the same (tfjs-core, pad.ts casts likewise).
  const attributes = { paddings, constantValue: 0 } as unknown as NamedAttrMap
  return p.run('PadV2', { x: g }, axes, attributes)
}

export const slice: Kernel<'slice'> = (p) => ({
  forward: ({ inputs: [x], attributes: { at, start, length, name } }) => {
    const axes = x!.axes.map((a, i) => (i === at ? axis(name ?? a.name, length) : a))
    return [sliced(p, x!, at, start, axes)]
  },
  backward: ({ grads: [g], inputs: [x], attributes: { at, start } }) => [padded(p, g!, at, start, x!.axes)],
})

/** One place of an axis, which goes. */
export const select: Kernel<'select'> = (p) => ({
  forward: ({ inputs: [x], attributes: { at, index } }) => {
    const one = sliced(
      p,
      x!,
      at,
      index,
      x!.axes.map((a, i) => (i === at ? ONE : a)),
    )
    const y = p.alias(
      one,
      x!.axes.filter((_, i) => i !== at),
    )
    p.free(one)
    return [y]
  },
  backward: ({ grads: [g], inputs: [x], attributes: { at, index } }) => {
    const wide = p.alias(
      g!,
      x!.axes.map((a, i) => (i === at ? ONE : a)),
    )
    const dx = padded(p, wide, at, index, x!.axes)
    p.free(wide)
    return [dx]
  },
})

/** Always contiguous already. */
export const contiguous: Kernel<'contiguous'> = () => ({
  forward: ({ inputs: [x] }) => [x!],
  backward: ({ grads: [g] }) => [g!],
})

export const detach: Kernel<'detach'> = (p) => ({
  forward: ({ inputs: [x] }) => [p.alias(x!)],
  backward: () => [null],
})

function copied(p: Primitives, x: Num, axes: Axes = x.axes): Num {
  const y = p.zeros(axes, x.dtype)
  p.copy(x, y)
  return y
}

/** A copy on a storage of its own. */
export const clone: Kernel<'clone'> = (p) => ({
  forward: ({ inputs: [x] }) => [copied(p, x!)],
  backward: ({ grads: [g] }) => [g!],
})

/** Each part's gradient is its slice of the whole one. */
export const cat: Kernel<'cat'> = (p) => ({
  forward: ({ inputs, attributes: { at } }) => {
    const parts = inputs.map((v) => v!)
    const size = parts.reduce((n, v) => n + v.axes[at]!.size, 0)
    const axes = parts[0]!.axes.map((a, i) => (i === at ? axis(nameOfWhole(parts, at), size) : a))
    return [joined(p, parts, at, axes)]
  },
  backward: (call) => {
    let start = 0
    return call.inputs.map((part, i) => {
      const from = start
      start += part!.axes[call.attributes.at]!.size
      return call.needs(i) ? sliced(p, call.grads[0]!, call.attributes.at, from, part!.axes) : null
    })
  },
})

/** Parts side by side on a storage of their own: of one part that is not empty the engines would hand back the part itself. */
function joined(p: Primitives, parts: readonly Num[], at: number, axes: Axes): Num {
  const full = parts.filter((v) => !isEmpty(v.axes))
  return full.length === 1 ? copied(p, full[0]!, axes) : p.concatenated(full, at, axes)
}

/** Parts of an axis, copied; their gradients are joined. */
export const split: Kernel<'split'> = (p) => ({
  forward: ({ inputs: [x], attributes: { at, parts } }) => {
    let start = 0
    return parts.map((part) => {
      const from = start
      start += part.size
      return sliced(
        p,
        x!,
        at,
        from,
        x!.axes.map((a, i) => (i === at ? part : a)),
      )
    })
  },
  backward: ({ grads, inputs: [x], outputs, attributes: { at } }) => {
    const zeros = outputs.map((m, i) => (grads[i] ? null : p.zeros(m.axes)))
    const whole = joined(
      p,
      outputs.map((_, i) => grads[i] ?? zeros[i]!),
      at,
      x!.axes,
    )
    for (const z of zeros) if (z) p.free(z)
    return [whole]
  },
})

/** Places of an axis, copied, each without it; their gradients are stacked. */
export const unbind: Kernel<'unbind'> = (p) => ({
  forward: ({ inputs: [x], attributes: { at } }) => {
    const one = x!.axes.map((a, i) => (i === at ? ONE : a))
    return Array.from({ length: x!.axes[at]!.size }, (_, place) => {
      const part = sliced(p, x!, at, place, one)
      const y = p.alias(
        part,
        x!.axes.filter((_, i) => i !== at),
      )
      p.free(part)
      return y
    })
  },
  backward: ({ grads, inputs: [x], outputs, attributes: { at } }) => {
    const zeros = outputs.map((m, i) => (grads[i] ? null : p.zeros(m.axes)))
    const one = x!.axes.map((a, i) => (i === at ? ONE : a))
    const parts = outputs.map((_, i) => p.alias(grads[i] ?? zeros[i]!, one))
    const whole = joined(p, parts, at, x!.axes)
    p.free(...parts, ...zeros.filter((z) => z !== null))
    return [whole]
  },
})

/** Two halves of an axis (`d/2+d/2`) are the axis again. */
function nameOfWhole(parts: readonly Num[], at: number): string {
  const names = parts.map((v) => v.axes[at]!.name)
  const half = names[0]!.endsWith('/2') ? names[0]!.slice(0, -2) : null
  return half !== null && names.length === 2 && names[1] === names[0] ? half : names.join('+')
}

import { numel } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import { eachRun, stepsOf } from './broadcast.ts'
import type { Kernel } from './kernel.ts'
import type { Num } from './primitives.ts'

/** `a + b`, broadcast. Both gradients are the incoming one; the tape's engine sums it where an operand was broadcast. */
export const add: Kernel<'add'> = (p) => ({
  forward: ({ inputs: [a, b] }) => [p.binary('Add', a!, b!)],
  backward: (call) => [call.needs(0) ? call.grads[0]! : null, call.needs(1) ? call.grads[0]! : null],
})

export const addScalar: Kernel<'add_scalar'> = (p) => ({
  forward: ({ inputs: [x], attributes: { value } }) => [p.scaled('Add', x!, value)],
  backward: ({ grads: [g] }) => [g!],
})

/** d other = −g */
export const sub: Kernel<'sub'> = (p) => ({
  forward: ({ inputs: [a, b] }) => [p.binary('Sub', a!, b!)],
  backward: (call) => {
    const g = call.grads[0]!
    const other = call.needs(1) ? p.unary('Neg', g) : null
    return [call.needs(0) ? g : null, other]
  },
})

/** d self = g · other, d other = g · self: each operand is kept for the other's gradient only. */
export const mul: Kernel<'mul'> = (p) => ({
  forward: (call) => {
    const [a, b] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(1)) call.save('self', a, 'd other')
    if (call.needs(0)) call.save('other', b, 'd self')
    return [p.binary('Multiply', a, b)]
  },
  backward: (call) => {
    const g = call.grads[0]!
    const other = call.needs(1) ? p.binary('Multiply', g, call.saved('self')) : null
    const self = call.needs(0) ? p.binary('Multiply', g, call.saved('other')) : null
    return [self, other]
  },
})

const byWhole = (operator: '*' | '/'): DeviceLoop => ({
  name: `whole ${operator}`,
  written: 1,
  body: `b0[i] = b1[i] ${operator} f32(b2[place(i, 1, n(0))]);`,
})

/** By whole numbers, broadcast; they are read as they are. d self by the same. */
const whole =
  <N extends 'mul_whole' | 'div_whole'>(by: (x: number, n: number) => number, device: DeviceLoop): Kernel<N> =>
  (p) => {
    const made = (x: Num, other: Num): Num => {
      const y = p.zeros(x.axes)
      const told = () => ({ count: numel(x.axes), whole: stepsOf(x.axes, other.axes) })
      p.loop(device, [y, x, other], told, (to, from, numbers) => {
        eachRun(x.axes, other.axes, (at, of, length, step) => {
          for (let i = 0; i < length; i++) to[at + i] = by(from[at + i]!, numbers[of + i * step]!)
        })
      })
      return y
    }
    return {
      forward: (call) => {
        if (call.needs(0)) call.save('other', call.inputs[1]!, 'd self')
        return [made(call.inputs[0]!, call.inputs[1]!)]
      },
      backward: (call) => [made(call.grads[0]!, call.saved('other')), null],
    }
  }
export const mulWhole: Kernel<'mul_whole'> = whole((x, n) => x * n, byWhole('*'))
export const divWhole: Kernel<'div_whole'> = whole((x, n) => x / n, byWhole('/'))

/** d self = g / other, d other = −g · (self / other) / other */
export const div: Kernel<'div'> = (p) => ({
  forward: (call) => {
    const [a, b] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(1)) call.save('self', a, 'd other')
    if (call.needs(0) || call.needs(1)) call.save('other', b, 'd self')
    return [p.binary('RealDiv', a, b)]
  },
  backward: (call) => {
    const g = call.grads[0]!
    const b = call.saved('other')
    let other = null
    if (call.needs(1)) {
      const negative = p.unary('Neg', g)
      const once = p.binary('Multiply', negative, call.saved('self'))
      p.free(negative)
      const twice = p.binary('RealDiv', once, b)
      p.free(once)
      other = p.binary('RealDiv', twice, b)
      p.free(twice)
    }
    return [call.needs(0) ? p.binary('RealDiv', g, b) : null, other]
  },
})

export const mulScalar: Kernel<'mul_scalar'> = (p) => ({
  forward: ({ inputs: [x], attributes: { value } }) => [p.scaled('Multiply', x!, value)],
  backward: ({ grads: [g], attributes: { value } }) => [p.scaled('Multiply', g!, value)],
})

export const neg: Kernel<'neg'> = (p) => ({
  forward: ({ inputs: [x] }) => [p.unary('Neg', x!)],
  backward: ({ grads: [g] }) => [p.unary('Neg', g!)],
})

/** d self = g · (e · self^(e − 1)). A square is a product: tfjs's Pow takes five times as long. */
export const pow: Kernel<'pow'> = (p) => ({
  forward: (call) => {
    const x = call.inputs[0]!
    const { exponent } = call.attributes
    if (call.needs(0)) call.save('self', x, 'd self')
    return [exponent === 2 ? p.binary('Multiply', x, x) : p.scaled('Pow', x, exponent)]
  },
  backward: (call) => {
    const { exponent } = call.attributes
    const x = call.saved('self')
    const power = exponent === 2 ? x : p.scaled('Pow', x, exponent - 1)
    const slope = p.scaled('Multiply', power, exponent)
    if (power !== x) p.free(power)
    const dx = p.binary('Multiply', call.grads[0]!, slope)
    p.free(slope)
    return [dx]
  },
})

/** d self = −½ · g · result³ */
export const rsqrt: Kernel<'rsqrt'> = (p) => ({
  forward: (call) => {
    const y = p.unary('Rsqrt', call.inputs[0]!)
    if (call.needs(0)) p.saving([y], () => call.save('result', y, 'd self by the result'))
    return [y]
  },
  backward: (call) => {
    const y = call.saved('result')
    const square = p.binary('Multiply', y, y)
    const cube = p.binary('Multiply', square, y)
    p.free(square)
    const slope = p.scaled('Multiply', cube, -0.5)
    p.free(cube)
    const dx = p.binary('Multiply', call.grads[0]!, slope)
    p.free(slope)
    return [dx]
  },
})

/** Only the type of an input from outside ever changes: everything else is float32 here. */
export const to: Kernel<'to'> = (p) => {
  const cast = (x: Num, dtype: DType): Num => {
    const y = p.zeros(x.axes, dtype)
    p.copy(x, y)
    return y
  }
  return {
    forward: ({ inputs: [x], attributes: { dtype } }) => [cast(x!, dtype)],
    backward: ({ grads: [g], inputs: [x] }) => [cast(g!, x!.dtype)],
  }
}

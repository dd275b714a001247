import type { Meta } from '../../autograd/node.ts'
import type { Forward } from '../../autograd/operation.ts'
import type { OpName } from '../../ops/attributes.ts'
import { DTYPES, type DType, isFloating } from '../../trace/dtype.ts'
import type { Derivative, GradientRule, Result } from '../derivative.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import { broadcastAxes, broadcastStrides, isAligned, isDense, isRowMajor, iteratorStrides } from '../strides.ts'

/** The result of a unary element-wise operation: its operand's layout, closed up where the operand has gaps. */
export function unary(x: SimTensor, simulator: Simulator, dtype: DType = x.dtype): Result {
  const { axes } = x
  if (!simulator.dialect.strided) return { axes, dtype }
  const { strides } = x.data
  return { axes, dtype, strides: isDense(axes, strides) ? strides : iteratorStrides(axes, [strides]) }
}

/** A wider type wins; a tensor without axes does not widen one that has some (c10/core/ScalarType, promoteTypes). */
export function promote(a: Meta, b: Meta): DType {
  if (a.dtype === b.dtype) return a.dtype
  if (isFloating(a.dtype) !== isFloating(b.dtype)) return isFloating(a.dtype) ? a.dtype : b.dtype
  if (a.axes.length === 0 && b.axes.length > 0) return b.dtype
  if (b.axes.length === 0 && a.axes.length > 0) return a.dtype
  return 'float32'
}

/** The result of a binary element-wise operation: broadcast axes, promoted type, the operands' order of axes. */
export function binary(a: SimTensor, b: SimTensor, simulator: Simulator): Result {
  // By far the most common: nothing is broadcast, and both are row-major already.
  if (isAligned(a.axes, b.axes) && isRowMajor(a.axes, a.data.strides) && isRowMajor(a.axes, b.data.strides))
    return { axes: a.axes, dtype: promote(a, b), strides: a.data.strides }
  const axes = broadcastAxes(a.axes, b.axes)
  const dtype = promote(a, b)
  if (!simulator.dialect.strided) return { axes, dtype }
  const operands = [a, b].map((v) => broadcastStrides(axes, v.axes, v.data.strides))
  return { axes, dtype, strides: iteratorStrides(axes, operands) }
}

const one = <N extends OpName>(call: Forward<View, N>, simulator: Simulator): Record<string, Result> => ({
  result: unary(call.inputs[0]!, simulator),
})
const two = <N extends OpName>(call: Forward<View, N>, simulator: Simulator): Record<string, Result> => ({
  result: binary(call.inputs[0]!, call.inputs[1]!, simulator),
})

export const add: Derivative<'add'> = {
  op: 'add',
  source: 'derivatives.yaml, add.Tensor: both gradients are the incoming one',
  results: two,
  saves: [],
  gradients: [
    { of: 'other', make: 'pass' },
    { of: 'self', make: 'pass' },
  ],
}

export const addScalar: Derivative<'add_scalar'> = {
  op: 'add_scalar',
  source: 'derivatives.yaml, add.Scalar',
  results: one,
  saves: [],
  gradients: [{ of: 'self', make: 'pass' }],
}

export const sub: Derivative<'sub'> = {
  op: 'sub',
  source: 'derivatives.yaml, sub.Tensor',
  results: two,
  saves: [],
  gradients: [{ of: 'other' }, { of: 'self', make: 'pass' }],
}

/** By whole numbers, which have no gradient. */
const whole = <N extends 'mul_whole' | 'div_whole'>(op: N, source: string): Derivative<N> => ({
  op,
  source,
  results: two,
  saves: [{ tensor: 'other', for: ['self'], why: 'd self' }],
  gradients: [{ of: 'self' }],
})

export const mulWhole = whole(
  'mul_whole',
  'derivatives.yaml, mul.Tensor: mul_tensor_backward(grad, other, self.scalar_type())',
)
export const divWhole = whole(
  'div_whole',
  'derivatives.yaml, div.Tensor: div_tensor_self_backward(grad, other, self.scalar_type())',
)

export const mul: Derivative<'mul'> = {
  op: 'mul',
  source: 'derivatives.yaml, mul.Tensor: mul_tensor_backward(grad, other) and (grad, self)',
  results: two,
  saves: [
    { tensor: 'self', for: ['other'], why: 'd other' },
    { tensor: 'other', for: ['self'], why: 'd self' },
  ],
  gradients: [{ of: 'other' }, { of: 'self' }],
}

export const div: Derivative<'div'> = {
  op: 'div',
  source: 'derivatives.yaml, div.Tensor: grad / other; -grad * ((self / other) / other)',
  results: two,
  saves: [
    { tensor: 'self', for: ['other'], why: 'd other' },
    { tensor: 'other', for: ['self', 'other'], why: 'd self' },
  ],
  gradients: [{ of: 'other', make: ['negative=grad', 'once=grad', 'twice=grad', '@=grad'] }, { of: 'self' }],
}

export const mulScalar: Derivative<'mul_scalar'> = {
  op: 'mul_scalar',
  source: 'derivatives.yaml, mul.Tensor with a wrapped number: nothing is kept',
  results: one,
  saves: [],
  gradients: [{ of: 'self' }],
}

export const neg: Derivative<'neg'> = {
  op: 'neg',
  source: 'derivatives.yaml, neg',
  results: one,
  saves: [],
  gradients: [{ of: 'self' }],
}

export const where: Derivative<'where'> = {
  op: 'where',
  source: 'derivatives.yaml, where.self: where(condition, grad, 0), whose zero is a number on the device',
  results: (call, simulator) => ({ result: binary(call.inputs[1]!, call.inputs[2]!, simulator) }),
  saves: [{ tensor: 'condition', for: ['self'], why: 'd self' }],
  gradients: [{ of: 'self', make: ['zero=other', '@=grad', '-zero'] }],
}

export const pow: Derivative<'pow'> = {
  op: 'pow',
  source:
    'derivatives.yaml, pow.Tensor_Scalar; FunctionsManual.cpp, pow_backward: grad * (exponent * self.pow(exponent - 1))',
  variant: ({ exponent }) => (exponent === 2 ? 'square' : 'general'),
  results: one,
  saves: [{ tensor: 'self', for: ['self'], why: 'd self' }],
  gradients: [{ of: 'self', make: ['power=self', 'scaled=self', '@=self'] }],
}

export const rsqrt: Derivative<'rsqrt'> = {
  op: 'rsqrt',
  source: 'derivatives.yaml, rsqrt: -0.5 * grad * result.pow(3)',
  results: one,
  saves: [{ tensor: 'result', for: ['self'], why: 'd self by the result' }],
  gradients: [{ of: 'self', make: ['cube=result', 'scaled=result', '@=result'] }],
}

export const tanh: Derivative<'tanh'> = {
  op: 'tanh',
  source: 'derivatives.yaml, tanh: tanh_backward(grad, result)',
  results: one,
  saves: [{ tensor: 'result', for: ['self'], why: 'd self by the result' }],
  gradients: [{ of: 'self' }],
}

export const relu: Derivative<'relu'> = {
  op: 'relu',
  source: 'derivatives.yaml, relu: threshold_backward(grad, result, 0)',
  results: one,
  saves: [{ tensor: 'result', for: ['self'], why: 'd self by the result' }],
  gradients: [{ of: 'self' }],
}

export const silu: Derivative<'silu'> = {
  op: 'silu',
  source: 'derivatives.yaml, silu: silu_backward(grad, self)',
  results: one,
  saves: [{ tensor: 'self', for: ['self'], why: 'd self' }],
  gradients: [{ of: 'self' }],
}

export const gelu: Derivative<'gelu'> = {
  op: 'gelu',
  source: 'derivatives.yaml, gelu: gelu_backward(grad, self, approximate)',
  variant: ({ approximate }) => approximate,
  results: one,
  saves: [{ tensor: 'self', for: ['self'], why: 'd self' }],
  gradients: [{ of: 'self' }],
}

/** A cast in the incoming gradient's layout, by the type that it ends in. */
const CAST_TO = Object.fromEntries(
  DTYPES.map((dtype) => [dtype, [{ of: 'self', make: [`@=grad/${dtype}`] }]]),
) as unknown as Readonly<Record<DType, readonly GradientRule[]>>

export const to: Derivative<'to'> = {
  op: 'to',
  source: 'derivatives.yaml, _to_copy: the gradient is cast back',
  results: (call, simulator) => ({ result: unary(call.inputs[0]!, simulator, call.attributes.dtype) }),
  saves: [],
  gradients: (_, inputs) => CAST_TO[inputs[0]!.dtype],
}

export const dropout: Derivative<'dropout'> = {
  op: 'dropout',
  source: 'derivatives.yaml, native_dropout: only the mask (result1) is kept; one byte an element on CUDA',
  results: (call, simulator) => {
    const result = unary(call.inputs[0]!, simulator)
    return { result, mask: { ...result, dtype: simulator.dialect.mask } }
  },
  saves: [{ tensor: 'mask', for: ['input'], why: 'd input by the mask' }],
  gradients: [{ of: 'input' }],
}

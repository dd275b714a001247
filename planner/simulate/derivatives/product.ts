import type { Operation } from '../../autograd/operation.ts'
import type { AttributesOf } from '../../ops/attributes.ts'
import type { Derivative, GradientRule } from '../derivative.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'

const WEIGHT: GradientRule = { of: 'weight', make: ['@=weight'], view: true }
const INPUT: GradientRule = { of: 'input', make: ['@=input'] }
const MM: readonly GradientRule[] = [WEIGHT, INPUT]
const ADDMM: readonly GradientRule[] = [INPUT, WEIGHT, { of: 'bias', make: 'pass' }]

/**
 * LoRA-FA's whole saving stands in `saves` below: the input is kept for dW only, and a frozen weight asks for no dW.
 */
export const linear: Derivative<'linear'> = {
  op: 'linear',
  source: 'derivatives.yaml, mm (self, mat2) without a bias, addmm (self, mat1, mat2) with one',
  results: (call) => {
    const [input, weight] = [call.inputs[0]!, call.inputs[1]!]
    return { result: { axes: [...input.axes.slice(0, -1), weight.axes[0]!], dtype: input.dtype } }
  },
  saves: [
    { tensor: 'input', for: ['weight'], why: 'dW' },
    { tensor: 'weight', for: ['input'], why: 'dX' },
  ],
  // mm: mat2 (the weight) before self (the input); addmm: mat1 (the input), mat2, then self (the bias), which the engine sums.
  gradients: (_, inputs) => (inputs[2] ? ADDMM : MM),
}

/** Its weight is `[in, out]`: the weight's gradient is no view of what the product wrote. */
export const conv1d: Derivative<'conv1d'> = {
  op: 'conv1d',
  source: 'pytorch_utils.py, Conv1D: torch.addmm(bias, x, weight); derivatives.yaml, addmm (self, mat1, mat2)',
  results: (call) => ({
    result: { axes: [call.inputs[0]!.axes[0]!, call.inputs[1]!.axes[1]!], dtype: call.inputs[0]!.dtype },
  }),
  saves: linear.saves,
  gradients: [INPUT, { of: 'weight', make: ['@=weight'] }, { of: 'bias', make: 'pass' }],
}

export const bmm: Derivative<'bmm'> = {
  op: 'bmm',
  source: 'derivatives.yaml, bmm: mat2 by self, self by mat2',
  results: (call) => {
    const [a, b] = [call.inputs[0]!, call.inputs[1]!]
    return { result: { axes: [a.axes[0]!, a.axes[1]!, b.axes[2]!], dtype: a.dtype } }
  },
  saves: [
    { tensor: 'self', for: ['mat2'], why: 'd mat2' },
    { tensor: 'mat2', for: ['self'], why: 'd self' },
  ],
  gradients: [
    { of: 'mat2', make: ['@=mat2'] },
    { of: 'self', make: ['@=self'] },
  ],
}

/**
 * bitsandbytes/autograd/_functions.py, MatMul4Bit: only the packed weight is kept, never the input (since 0.43.2); the backward
 * unpacks the whole weight, and its scales before where they are quantized themselves.
 */
export const linear4bit = (simulator: Simulator): Operation<View, 'linear_4bit'> => ({
  forward: (call) => {
    const [input, weight] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(0)) call.save('weight', weight, 'dX')
    return [simulator.alloc([...input.axes.slice(0, -1), call.attributes.output], input.dtype)]
  },
  backward: (call) => {
    const { output, blocks, nested } = call.attributes
    const { axes } = call.inputs[0]!
    const { dtype } = call.grads[0]!
    const bias = call.inputs[2] && call.needs(2) ? simulator.alloc([output], dtype) : null
    if (!call.needs(0)) return [null, null, bias]
    const weight = unpack(simulator, { axes: [output, axes.at(-1)!], dtype, blocks, nested })
    const gradient = simulator.alloc(axes, dtype)
    simulator.release(weight)
    return [simulator.asView(gradient), null, bias]
  },
})

/** bitsandbytes/functional.py, dequantize_4bit: of a weight's data, so that nothing is recorded. */
export const dequantize4bit = (simulator: Simulator): Operation<View, 'dequantize_4bit'> => ({
  forward: ({ attributes }) => [unpack(simulator, attributes)],
  backward: () => [null],
})

/** Scales that are quantized themselves are unpacked before. */
function unpack(simulator: Simulator, { axes, dtype, blocks, nested }: AttributesOf<'dequantize_4bit'>): SimTensor {
  const scales = nested ? simulator.alloc([blocks], 'float32') : null
  const weight = simulator.alloc(axes, dtype)
  if (scales) simulator.release(scales)
  return weight
}

/**
 * bitsandbytes/autograd/_functions.py, MatMul8bitLt: `ctx.tensors` keeps the input whatever trains, and keeps it until the graph
 * goes; the backward widens the whole weight. What is under way is read off backends/cuda/ops.py: the input in float16 for its
 * scales, the search for outliers, the product in int32 and its float16, a cast where the input has another type. Without outlier
 * columns, which depend on the numbers.
 */
export const linear8bit = (simulator: Simulator): Operation<View, 'linear_8bit'> => ({
  forward: (call) => {
    const [input, weight] = [call.inputs[0]!, call.inputs[1]!]
    const { dtype } = input
    const rows = input.axes.slice(0, -1)
    const half = dtype === 'float16' ? null : simulator.alloc(input.axes, 'float16')
    const [scales, bytes] = [simulator.alloc(rows, 'float32'), simulator.alloc(input.axes, 'int8')]
    const size = simulator.alloc(input.axes, 'float16')
    const outliers = simulator.alloc(input.axes, 'bool')
    simulator.release(size)
    simulator.release(outliers)
    if (half) simulator.release(half)
    const axes = [...rows, weight.axes[0]!]
    const sums = simulator.alloc(axes, 'int32')
    const result = simulator.alloc(axes, 'float16')
    const cast = dtype === 'float16' ? result : simulator.alloc(axes, dtype)
    if (cast !== result) simulator.release(result)
    simulator.release(sums)
    if (call.needs(0)) call.attach(input, 'ctx.tensors')
    simulator.release(scales)
    simulator.release(bytes)
    return [input.axes.length > 2 ? simulator.asView(cast) : cast]
  },
  backward: (call) => {
    if (!call.needs(0)) return [null, null, null]
    const { axes, dtype } = call.inputs[0]!
    const output = call.grads[0]!.axes.at(-1)!
    const weight = simulator.alloc([output, axes.at(-1)!], dtype)
    simulator.release(simulator.alloc([output], 'float32'))
    const gradient = simulator.alloc(axes, dtype)
    simulator.release(weight)
    return [simulator.asView(gradient), null, null]
  },
})

import { ONE } from '../../trace/axes.ts'
import type { Derivative } from '../derivative.ts'

export const mean: Derivative<'mean'> = {
  op: 'mean',
  source: 'derivatives.yaml, mean.dim: grad expanded and divided by the count',
  results: (call) => {
    const { axes, dtype } = call.inputs[0]!
    return { result: { axes: [...axes.slice(0, -1), ONE], dtype } }
  },
  saves: [],
  gradients: [{ of: 'self', make: ['@=self'] }],
}

/** Used without a gradient only (DoRA detaches both its operands). */
export const vectorNorm: Derivative<'vector_norm'> = {
  op: 'vector_norm',
  source: 'aten/src/ATen/native/LinearAlgebra.cpp, linalg_vector_norm',
  results: (call) => {
    const { axes, dtype } = call.inputs[0]!
    return { result: { axes: axes.slice(0, -1), dtype } }
  },
  saves: [
    { tensor: 'self', for: ['self'], why: 'd self' },
    { tensor: 'result', for: ['self'], why: 'd self by the result' },
  ],
  gradients: [{ of: 'self', make: ['@=self'] }],
}

export const softmax: Derivative<'softmax'> = {
  op: 'softmax',
  source: 'derivatives.yaml, _softmax: _softmax_backward_data(grad, result)',
  results: (call) => ({ result: { axes: call.inputs[0]!.axes, dtype: call.inputs[0]!.dtype } }),
  saves: [{ tensor: 'result', for: ['self'], why: 'd self by the result' }],
  gradients: [{ of: 'self', make: ['@=self'] }],
}

export const logSoftmax: Derivative<'log_softmax'> = {
  op: 'log_softmax',
  source: 'derivatives.yaml, _log_softmax: _log_softmax_backward_data(grad, result)',
  results: (call) => ({ result: { axes: call.inputs[0]!.axes, dtype: call.inputs[0]!.dtype } }),
  saves: [{ tensor: 'result', for: ['self'], why: 'd self by the result' }],
  gradients: [{ of: 'self', make: ['@=self'] }],
}

export const layerNorm: Derivative<'layer_norm'> = {
  op: 'layer_norm',
  source:
    'derivatives.yaml, native_layer_norm: one formula for input, weight and bias, so the input is kept whenever any of them wants a gradient',
  results: (call) => {
    const { axes, dtype } = call.inputs[0]!
    const rows = [...axes.slice(0, -1), ONE]
    return { result: { axes, dtype }, mean: { axes: rows, dtype }, rstd: { axes: rows, dtype } }
  },
  saves: [
    { tensor: 'input', for: ['input', 'weight', 'bias'], why: 'd input, d weight' },
    { tensor: 'mean', for: ['input', 'weight', 'bias'], why: 'd input, d weight' },
    { tensor: 'rstd', for: ['input', 'weight', 'bias'], why: 'd input, d weight' },
    { tensor: 'weight', for: ['input', 'weight', 'bias'], why: 'd input' },
  ],
  gradients: [
    { of: 'input', make: ['@=input'] },
    { of: 'weight', make: ['@=weight'] },
    { of: 'bias', make: ['@=bias'] },
  ],
}

import type { Activation } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'

/** The module of transformers' ACT2FN under `path` (transformers/activations.py). */
export function activation<T extends Tensor>(o: Shorthand<T>, path: string, name: Activation, x: T): T {
  return o.module(path, [x], () => activate(o, name, x))
}

function activate<T extends Tensor>(o: Shorthand<T>, name: Activation, x: T): T {
  switch (name) {
    case 'silu':
      return o.silu(x)
    case 'relu':
      return o.relu(x)
    case 'gelu':
      return o.gelu(x)
    case 'gelu_pytorch_tanh':
      return o.gelu(x, 'tanh')
    case 'gelu_new':
      return geluNew(o, x)
    case 'quick_gelu':
      throw new Error('quick_gelu is not modelled')
  }
}

/** NewGELUActivation: written out in Python, so each step is a node. */
function geluNew<T extends Tensor>(o: Shorthand<T>, x: T): T {
  return o.call([x], (s) => {
    const half = s.let(o.mulScalar(x, 0.5))
    const inner = o.mulScalar(o.add(x, o.mulScalar(o.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI))
    return o.mul(half, o.addScalar(o.tanh(inner), 1))
  })
}

import type { Derivative } from '../derivative.ts'

export const embedding: Derivative<'embedding'> = {
  op: 'embedding',
  source: 'derivatives.yaml, embedding: embedding_backward needs the indices',
  results: (call) => {
    const [weight, indices] = [call.inputs[0]!, call.inputs[1]!]
    return { result: { axes: [...indices.axes, weight.axes[1]!], dtype: weight.dtype } }
  },
  saves: [{ tensor: 'indices', for: ['weight'], why: 'dW by the indices' }],
  gradients: [{ of: 'weight', make: ['@=weight'] }],
}

export const nllLoss: Derivative<'nll_loss'> = {
  op: 'nll_loss',
  source: 'derivatives.yaml, nll_loss_forward: self, target and the total weight are kept',
  results: (call) => {
    const { dtype } = call.inputs[0]!
    return { result: { axes: [], dtype }, total_weight: { axes: [], dtype } }
  },
  saves: [
    { tensor: 'self', for: ['self'], why: 'd self, for its shape' },
    { tensor: 'target', for: ['self'], why: 'd self by the target' },
    { tensor: 'total_weight', for: ['self'], why: 'd self' },
  ],
  gradients: [{ of: 'self', make: ['@=self'] }],
}

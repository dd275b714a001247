import type { Executor } from '../executor.ts'
import { AdamState, type Optimizer } from './state.ts'

export interface AdamWOptions {
  readonly lr: number
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weightDecay?: number
}

/**
 * torch.optim.AdamW (torch/optim/adamw.py, _single_tensor_adam with decoupled weight decay), one parameter after the other, each
 * in place as PyTorch's operations are: no temporary tensor, two moments a parameter from the first step on.
 */
export function adamW(executor: Executor, options: AdamWOptions): Optimizer {
  const { lr, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options
  const state = new AdamState(executor)
  return {
    step(leaves) {
      const used = leaves.filter((leaf) => leaf.grad !== null)
      for (const leaf of used) state.make(leaf)
      for (const leaf of used) {
        const { parameter, gradient, mean, square, steps } = state.next(leaf)
        const size = lr / (1 - beta1 ** steps)
        const root = Math.sqrt(1 - beta2 ** steps)
        const keep = 1 - lr * weightDecay
        for (let i = 0; i < parameter.length; i++) {
          const g = gradient[i]!
          const m = mean[i]! + (1 - beta1) * (g - mean[i]!)
          const v = beta2 * square[i]! + (1 - beta2) * g * g
          mean[i] = m
          square[i] = v
          parameter[i] = parameter[i]! * keep - (size * m) / (Math.sqrt(v) / root + eps)
        }
      }
    },
  }
}

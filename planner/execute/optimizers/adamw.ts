import { numel } from '../../trace/axes.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import type { Executor } from '../executor.ts'
import { AdamState, type LearningRate, type Optimizer, rateAt } from './state.ts'

export interface AdamWOptions {
  readonly lr: LearningRate
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weightDecay?: number
}

const ADAMW: DeviceLoop = {
  name: 'adamw',
  written: 3,
  body: `
    let g = b3[i];
    let m = b1[i] + r(0) * (g - b1[i]);
    let v = r(1) * b2[i] + r(2) * g * g;
    b1[i] = m;
    b2[i] = v;
    b0[i] = b0[i] * r(3) - (r(4) * m) / (sqrt(v) / r(5) + r(6));`,
}

/**
 * torch.optim.AdamW (torch/optim/adamw.py, _single_tensor_adam with decoupled weight decay), one parameter after the other, each
 * in place as PyTorch's operations are: no temporary tensor, two moments a parameter from the first step on.
 */
export function adamW(executor: Executor, options: AdamWOptions): Optimizer {
  const { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options
  const state = new AdamState(executor)
  return {
    step(leaves) {
      const used = leaves.filter((leaf) => leaf.grad !== null)
      for (const leaf of used) state.make(leaf)
      for (const leaf of used) {
        const { parameter, gradient, mean, square, steps } = state.next(leaf)
        const lr = rateAt(options.lr, steps)
        const size = lr / (1 - beta1 ** steps)
        const root = Math.sqrt(1 - beta2 ** steps)
        const keep = 1 - lr * weightDecay
        const told = () => ({
          count: numel(parameter.axes),
          real: [1 - beta1, beta2, 1 - beta2, keep, size, root, eps],
        })
        executor.primitives.loop(ADAMW, [parameter, mean, square, gradient], told, (p, ms, vs, gs) => {
          for (let i = 0; i < p.length; i++) {
            const g = gs[i]!
            const m = ms[i]! + (1 - beta1) * (g - ms[i]!)
            const v = beta2 * vs[i]! + (1 - beta2) * g * g
            ms[i] = m
            vs[i] = v
            p[i] = p[i]! * keep - (size * m) / (Math.sqrt(v) / root + eps)
          }
        })
      }
    },
  }
}

import type { Executor } from '../executor.ts'
import type { Optimizer } from './state.ts'

/** torch.optim.SGD without momentum: p ← p − lr · g, in place, no state. */
export function sgd({ primitives }: Executor, { lr }: { readonly lr: number }): Optimizer {
  return {
    step(leaves) {
      for (const { variable, grad } of leaves) {
        if (!grad) continue
        const [p, g] = [primitives.values(variable), primitives.values(grad)]
        for (let i = 0; i < p.length; i++) p[i] = p[i]! - lr * g[i]!
      }
    },
  }
}

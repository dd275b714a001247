import type { Simulator } from '../simulator.ts'
import type { SimOptimizer } from './optimizer.ts'
import { pieces } from './pieces.ts'

/** torch/optim/sgd.py without momentum: in place, nothing kept. */
export const sgd = (simulator: Simulator): SimOptimizer => ({
  step(leaves) {
    const cut = pieces(
      simulator,
      leaves.filter((l) => l.grad !== null),
      'add',
    )
    for (const t of cut.reverse()) simulator.release(t)
  },
})

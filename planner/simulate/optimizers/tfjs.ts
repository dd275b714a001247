import type { OptimizerName } from '../../training/spec.ts'
import type { Simulator } from '../simulator.ts'
import type { SimOptimizer } from './optimizer.ts'
import { Moments } from './state.ts'

/**
 * The optimizers of planner/execute: each parameter is stepped in place, so that only the two moments are tensors; the step count
 * is a JavaScript number. LoRA-FA's makes a parameter's moments as it comes to it, AdamW all of them first: the order is the same.
 */
export function tfjsOptimizer(simulator: Simulator, name: OptimizerName): SimOptimizer {
  if (name === 'sgd') return { step: () => undefined }
  const moments = new Moments(simulator, null)
  return {
    step(leaves) {
      for (const leaf of leaves) if (leaf.grad !== null) moments.make(leaf)
    },
  }
}

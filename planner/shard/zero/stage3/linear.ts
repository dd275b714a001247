import type { Operation } from '../../../autograd/operation.ts'
import { type Derivative, SimulatedKernel } from '../../../simulate/derivative.ts'
import { linear } from '../../../simulate/derivatives/product.ts'
import type { Simulator } from '../../../simulate/simulator.ts'
import type { View } from '../../../simulate/storage.ts'

/**
 * `F.linear` as `memory_efficient_linear` replaces it (runtime/zero/linear.py, LinearFunctionForZeroStage3): its `save_for_backward` keeps
 * the input whatever trains, a frozen weight's too. LoRA-FA's saving goes with that: A's input stays where A is frozen. The weight is
 * kept by reference and has no bytes between its gathers.
 */
const EFFICIENT: Derivative<'linear'> = {
  ...linear,
  source: 'deepspeed/runtime/zero/linear.py, LinearFunctionForZeroStage3',
  saves: [
    { tensor: 'input', for: ['input', 'weight', 'bias'], why: "kept by DeepSpeed's linear" },
    { tensor: 'weight', for: ['input', 'weight', 'bias'], why: "kept by DeepSpeed's linear" },
  ],
  gradients: [
    { of: 'input', make: ['@=input'] },
    { of: 'weight', make: ['@=weight'] },
    { of: 'bias', make: ['@=bias'] },
  ],
}

export const efficientLinear = (simulator: Simulator): Operation<View, 'linear'> =>
  new SimulatedKernel(EFFICIENT, simulator)

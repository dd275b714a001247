import type { Leaf } from '../../autograd/variable.ts'
import type { OptimizerImpl, OptimizerName } from '../../training/spec.ts'
import type { Simulator } from '../simulator.ts'
import type { View } from '../storage.ts'
import { adafactor } from './adafactor.ts'
import { adamW } from './adamw.ts'
import { adamW8Bit } from './adamw-8bit.ts'
import { loraFa } from './lorafa.ts'
import { sgd } from './sgd.ts'

/** What an optimizer does with memory; its state lives from the first step on. */
export interface SimOptimizer {
  step(leaves: readonly Leaf<View>[]): void
}

/** torch.optim (PEFT's, bitsandbytes', transformers' own) by name and implementation.*/
export function torchOptimizer(simulator: Simulator, name: OptimizerName, impl: OptimizerImpl): SimOptimizer {
  switch (name) {
    case 'sgd':
      return sgd(simulator)
    case 'lorafa':
      return loraFa(simulator)
    case 'adamw':
      return adamW(simulator, impl)
    case 'adamw-8bit':
      return adamW8Bit(simulator, false)
    case 'paged-adamw-8bit':
      return adamW8Bit(simulator, true)
    case 'adafactor':
      return adafactor(simulator)
  }
}

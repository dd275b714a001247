import type { Leaf } from '../../autograd/variable.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { View } from '../../simulate/storage.ts'
import { ONE } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Device } from '../../trace/event.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { OptimizerImpl } from '../../training/spec.ts'
import type { StepOptimizer } from '../../training/step.ts'

/** Steps one float32 part at a time: a leaf without a parameter of the model. */
export type MasterOptimizer = StepOptimizer<View>

/**
 * AdamW on float32 parts. DeepSpeed's two count steps in Python and make no tensors but the moments (ops/adam/fused_adam.py,
 * ops/adam/cpu_adam.py); torch's fused one has a step count beside them on the device (torch/optim/adamw.py, _init_group), its
 * other ones are `inner`.
 */
export function masterOptimizer(
  simulator: Simulator,
  zero: Zero,
  impl: OptimizerImpl,
  inner: StepOptimizer<View>,
): MasterOptimizer {
  if (zero.optimizerPlace === 'host') return moments(simulator, 'host', false)
  if (zero.optimizer === 'deepspeed') return moments(simulator, 'device', false)
  return impl === 'fused' ? moments(simulator, 'device', true) : inner
}

function moments(simulator: Simulator, device: Device, counts: boolean): MasterOptimizer {
  const made = new Set<Leaf<View>>()
  return {
    step(leaves) {
      for (const leaf of leaves) {
        if (made.has(leaf)) continue
        made.add(leaf)
        simulator.position.op = 'state'
        const { axes, dtype } = leaf.variable
        const keep = (shape: typeof axes, type: DType) =>
          simulator.keep(simulator.alloc(shape, type, undefined, 'optimizer state', device))
        if (counts) keep([], 'float32')
        for (let i = 0; i < 2; i++) keep(axes, dtype)
      }
    },
  }
}

/** FusedAdam's buffer for an overflow that its kernel would find. */
export function overflowBuffer(simulator: Simulator, zero: Zero): void {
  if (zero.optimizer !== 'deepspeed' || zero.optimizerPlace === 'host') return
  simulator.position.op = '_dummy_overflow_buf'
  simulator.keep(simulator.alloc([ONE], 'int32', undefined, 'optimizer state'))
}

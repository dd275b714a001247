import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor } from '../../simulate/storage.ts'
import { ONE } from '../../trace/axes.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { FlatParameters } from './flat.ts'
import type { FlatGradients, OwnGradient } from './gradients.ts'
import type { HostGradients } from './host-gradients.ts'
import type { MasterOptimizer } from './master.ts'
import { GlobalNorm, normOf } from './norm.ts'

/**
 * DeepSpeedZeroOptimizer.step under stages 1 and 2 (stage_1_and_2.py): each gradient's norm in float64, then group by group one flat
 * gradient, a float32 copy, the optimizer on the rank's part. The gather writes into the flat weights.
 */
export class FlatUpdate {
  readonly #simulator: Simulator
  readonly #zero: Zero
  readonly #optimizer: MasterOptimizer
  readonly #norm: GlobalNorm

  constructor(simulator: Simulator, zero: Zero, optimizer: MasterOptimizer) {
    this.#simulator = simulator
    this.#zero = zero
    this.#optimizer = optimizer
    this.#norm = new GlobalNorm(simulator, 'float32', zero.optimizerPlace)
  }

  step(groups: readonly FlatParameters[], gradients: FlatGradients, host: HostGradients | null): void {
    const simulator = this.#simulator
    simulator.position.scope = ''
    if (host) this.#total()
    else for (const flat of groups) this.#measure(gradients.averaged.get(flat) ?? [])
    const settle = this.#norm.replace()
    for (const flat of groups) {
      if (host) {
        this.#optimizer.step([flat.master])
        continue
      }
      const parts = gradients.averaged.get(flat) ?? []
      const gradient = this.#flatten(flat, parts)
      for (const { tensor } of parts) simulator.release(tensor)
      gradients.averaged.delete(flat)
      flat.master.grad = gradient
      if (this.#zero.clips) this.#norm.clip()
      this.#optimizer.step([flat.master])
      flat.master.grad = null
      simulator.release(gradient)
    }
    host?.endStep()
    settle()
  }

  /** complete_grad_norm_calculation_for_cpu_offload: the sum is reduced on the device. */
  #total(): void {
    this.#simulator.position.op = 'norm'
    this.#simulator.release(this.#simulator.alloc([ONE], 'float32'))
  }

  /** get_grad_norm_direct: one gradient at a time. */
  #measure(parts: readonly OwnGradient[]): void {
    const norms = parts.flatMap(({ parameter, elements }) => (parameter ? [normOf(this.#simulator, elements)] : []))
    for (const norm of norms) this.#simulator.release(norm)
  }

  #flatten(flat: FlatParameters, parts: readonly OwnGradient[]): SimTensor {
    const simulator = this.#simulator
    const { dtype } = this.#zero
    simulator.position.op = 'flatten'
    const [first] = parts
    const whole = parts.length === 1 && first ? simulator.alias(first.tensor) : simulator.alloc(flat.part, dtype)
    if (dtype === 'float32') return whole
    simulator.position.op = 'to'
    const wide = simulator.alloc(flat.part, 'float32', undefined, 'gradient')
    simulator.release(whole)
    return wide
  }
}

import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor } from '../../simulate/storage.ts'
import { axis } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Place } from '../../training/parallelism.ts'

/** The norm of so many elements of a gradient, a number in float64 (`g.double().norm(2)`): their copy goes at once. */
export function normOf(simulator: Simulator, elements: number): SimTensor {
  simulator.position.op = 'norm'
  const wide = simulator.alloc([axis('part', elements)], 'float64')
  const norm = simulator.alloc([], 'float64')
  simulator.release(wide)
  return norm
}

/** The norm of all gradients, which lives until the next step has its own (`_global_grad_norm`). */
export class GlobalNorm {
  readonly #simulator: Simulator
  readonly #dtype: DType
  readonly #place: Place
  #value: SimTensor | null = null

  constructor(simulator: Simulator, dtype: DType, place: Place) {
    this.#simulator = simulator
    this.#dtype = dtype
    this.#place = place
  }

  /** Makes the new one, of scaled gradients and of unscaled ones; the step and the engine hold the old one until the returned function is called. */
  replace(): () => void {
    const simulator = this.#simulator
    const before = this.#value
    simulator.position.op = 'norm'
    const scaled = simulator.alloc([], this.#dtype, undefined, 'temporary', this.#place)
    simulator.position.op = 'global_grad_norm'
    this.#value = simulator.alloc([], this.#dtype, undefined, 'optimizer state', this.#place)
    return () => {
      simulator.release(scaled)
      if (before) simulator.release(before)
    }
  }

  /** unscale_and_clip_grads: what a gradient is multiplied by, worked out scalar by scalar. */
  clip(): void {
    const simulator = this.#simulator
    simulator.position.op = 'clip'
    const scalars = ['clamped', 'scale', 'reciprocal', 'inverse'].map(() =>
      simulator.alloc([], this.#dtype, undefined, 'temporary', this.#place),
    )
    for (const v of scalars) simulator.release(v)
  }
}

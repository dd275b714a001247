import type { Leaf } from '../../autograd/variable.ts'
import type { Simulator } from '../simulator.ts'
import type { View } from '../storage.ts'

/** Says in whose name the optimizer works now. */
export function locate(simulator: Simulator, leaf: Leaf<View>, op: string): void {
  const path = leaf.parameter?.path ?? ''
  simulator.position.scope = path.slice(0, Math.max(0, path.lastIndexOf('.')))
  simulator.position.op = op
}

/** Two moments like the parameter, made in the first step that has a gradient for it, and with it a step count on the host. */
export class Moments {
  readonly #simulator: Simulator
  readonly #made = new Set<Leaf<View>>()
  readonly #step: string | null

  /** `step`: what makes the step count, where it is a tensor (torch.optim) and no Python number. */
  constructor(simulator: Simulator, step: string | null) {
    this.#simulator = simulator
    this.#step = step
  }

  make(leaf: Leaf<View>): void {
    if (this.#made.has(leaf)) return
    this.#made.add(leaf)
    const simulator = this.#simulator
    const { axes, dtype, data } = leaf.variable
    const { device } = data.storage
    if (this.#step) {
      locate(simulator, leaf, device === 'device' ? this.#step : 'step')
      simulator.keep(simulator.alloc([], 'float32', [], 'optimizer state', 'host'))
    }
    locate(simulator, leaf, 'state')
    for (let i = 0; i < 2; i++) simulator.keep(simulator.alloc(axes, dtype, data.strides, 'optimizer state', device))
  }
}

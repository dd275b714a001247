import type { Simulator } from '../simulator.ts'
import type { SimTensor } from '../storage.ts'

/** The local names of an optimizer's loop: a name holds its tensor until the next round assigns it, or the step returns. */
export class Slots {
  readonly #simulator: Simulator
  readonly #names = new Map<string, readonly SimTensor[]>()

  constructor(simulator: Simulator) {
    this.#simulator = simulator
  }

  /** `name = tensors`: the new ones are there before the old ones go. */
  assign(name: string, ...tensors: readonly SimTensor[]): void {
    for (const t of tensors) this.#simulator.onName(t, true)
    const old = this.#names.get(name) ?? []
    this.#names.delete(name)
    this.#names.set(name, tensors)
    this.#release(old)
  }

  /** The step returns; a list's tensors go from its end. */
  clear(): void {
    for (const tensors of this.#names.values()) this.#release([...tensors].reverse())
    this.#names.clear()
  }

  #release(tensors: readonly SimTensor[]): void {
    for (const t of tensors) {
      this.#simulator.onName(t, false)
      this.#simulator.release(t)
    }
  }
}

import type { Simulator } from '../../../simulate/simulator.ts'
import type { SimTensor } from '../../../simulate/storage.ts'
import { axis } from '../../../trace/axes.ts'
import type { Zero } from '../../../training/parallelism.ts'
import { normOf } from '../norm.ts'

/** Elements whose norm is taken at once (`_constant_buffered_norm2`). */
const NORM_BUFFER = 250_000_000

/**
 * What passes through the device on a gradient's way to the host under stage 3 (partition_grads, _offload_grad_partition_at_boundary): a
 * copy that lives until the next one is made, its norm in float64, a float32 copy.
 */
export class HostCopies {
  readonly #simulator: Simulator
  readonly #dtype: Zero['dtype']
  /** Python's `grad_buffer` and `cuda_grad_buffer`. */
  #copy: SimTensor | null = null
  #norms: SimTensor[] = []

  constructor(simulator: Simulator, { dtype }: Zero) {
    this.#simulator = simulator
    this.#dtype = dtype
  }

  /** One part of so many elements; `adds` where a micro-step before has left a sum. */
  copy(elements: number, adds: boolean, last: boolean): void {
    const simulator = this.#simulator
    const shape = [axis('part', elements)]
    simulator.position.op = 'to'
    if (!adds) this.endCopies()
    const copy = simulator.alloc(shape, this.#dtype)
    this.endCopies()
    this.#copy = copy
    if (!last) return
    this.#norms.push(normOf(simulator, Math.min(elements, NORM_BUFFER)))
    simulator.position.op = 'to'
    if (this.#dtype !== 'float32') simulator.release(simulator.alloc(shape, 'float32'))
  }

  /** The loop over parts is over. */
  endCopies(): void {
    if (this.#copy) this.#simulator.release(this.#copy)
    this.#copy = null
  }

  endStep(): void {
    for (const norm of this.#norms) this.#simulator.release(norm)
    this.#norms = []
  }
}

import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor, View } from '../../simulate/storage.ts'
import { axis, numel } from '../../trace/axes.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { FlatParameters } from './flat.ts'
import { normOf } from './norm.ts'

/**
 * Gradients on their way to the host under stages 1 and 2 (stage_1_and_2.py, CPU Offload Methods): each one that the rank owns some of is
 * measured in float64, cast to float32 on the device and copied; sums of micro-steps lie on the host and come back to be added to.
 */
export class HostGradients {
  readonly #simulator: Simulator
  readonly #dtype: Zero['dtype']
  readonly #casts: boolean
  /** Norms of what the rank owns, until the step. */
  #norms: SimTensor[] = []
  readonly #sums = new Set<Parameter>()
  #microStep = -1

  /** Makes the buffers through which sums come back. */
  constructor(simulator: Simulator, { dtype }: Zero, groups: readonly FlatParameters[]) {
    this.#simulator = simulator
    this.#dtype = dtype
    this.#casts = dtype !== 'float32'
    const largest = Math.max(...groups.flatMap((f) => f.group.parameters.map((p) => numel(p.axes))))
    simulator.position.op = 'temp_grad_buffer_for_gpu_offload'
    for (const place of ['host', 'device'] as const)
      simulator.keep(simulator.alloc([axis('largest', largest)], dtype, undefined, 'other', place))
  }

  beginBackward(): void {
    this.#microStep++
  }

  /** A gradient larger than a bucket is cloned, so that nobody else writes into it. */
  keepLarge(leaf: Leaf<View>): void {
    const before = leaf.grad!
    this.#simulator.position.op = 'clone'
    leaf.grad = this.#simulator.alloc(leaf.variable.axes, this.#dtype, undefined, 'gradient')
    this.#simulator.release(before)
  }

  /** `copy_grads_in_partition` */
  take(leaf: Leaf<View>, flat: FlatParameters, last: boolean): void {
    const simulator = this.#simulator
    const parameter = leaf.parameter!
    if ((this.#microStep > 0 || !last) && !this.#sums.has(parameter)) {
      this.#sums.add(parameter)
      simulator.position.op = 'accumulated_grads_in_cpu'
      simulator.keep(simulator.alloc([axis('n', numel(parameter.axes))], this.#dtype, undefined, 'gradient', 'host'))
    }
    if (!last) return
    const run = flat.own.find((r) => r.parameter === parameter)!
    this.#norms.push(normOf(simulator, run.elements))
    simulator.position.op = 'to'
    if (this.#casts) simulator.release(simulator.alloc([axis('run', run.elements)], 'float32'))
    simulator.release(leaf.grad!)
    leaf.grad = null
  }

  /** The step is over (`reset_cpu_buffers`). */
  endStep(): void {
    for (const norm of this.#norms) this.#simulator.release(norm)
    this.#norms = []
    this.#microStep = -1
  }
}

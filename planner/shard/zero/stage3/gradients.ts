import type { Leaf } from '../../../autograd/variable.ts'
import type { Parameter } from '../../../ops/ops.ts'
import type { Simulator } from '../../../simulate/simulator.ts'
import type { SimTensor, View } from '../../../simulate/storage.ts'
import { contiguousStrides } from '../../../simulate/strides.ts'
import { axis } from '../../../trace/axes.ts'
import type { Zero } from '../../../training/parallelism.ts'
import type { Seat } from '../flat.ts'
import { HostCopies } from './host-copies.ts'
import type { PartitionedParameter } from './parameter.ts'

/**
 * Gradients under stage 3 (stage3.py): copied into a bucket that lasts, reduced and scattered when it is full, and kept in a buffer of
 * all parts that lasts too.
 */
export class PartitionedGradients {
  readonly #simulator: Simulator
  readonly #zero: Zero
  readonly #seat: Seat
  readonly #parameters: ReadonlyMap<Parameter, PartitionedParameter>
  readonly #bucket: SimTensor | null
  readonly #host: HostCopies | null
  #elements = 0
  #waiting: Leaf<View>[] = []
  #microStep = 0
  #began = false
  #last = true

  /** Makes what lasts: the bucket, all parts' gradients, a flag of what is not finite. */
  constructor(simulator: Simulator, zero: Zero, seat: Seat, parameters: ReadonlyMap<Parameter, PartitionedParameter>) {
    this.#simulator = simulator
    this.#zero = zero
    this.#seat = seat
    this.#parameters = parameters
    const keep = (op: string, elements: number, dtype: SimTensor['dtype'], place = zero.optimizerPlace): SimTensor => {
      simulator.position.op = op
      return simulator.keep(simulator.alloc([axis(op, elements)], dtype, undefined, 'gradient', place))
    }
    keep('inf_or_nan_tracker', 1, 'bool')
    this.#bucket = zero.contiguousGradients ? keep('bucket', zero.reduceBucket, zero.dtype, 'device') : null
    const parts = [...parameters.values()].reduce((n, p) => n + (p.parameter.trains ? p.part : 0), 0)
    keep('grad_partitions', parts, zero.dtype)
    this.#host = zero.optimizerPlace === 'host' ? new HostCopies(simulator, zero) : null
  }

  beginMicroStep(last: boolean): void {
    this.#last = last
    if (this.#began) this.#microStep++
    this.#began = false
  }

  /** `reduce_independent_p_g_buckets_and_remove_grads`, after a parameter's gradient is there. */
  arrived(leaf: Leaf<View>): void {
    const p = leaf.parameter && this.#parameters.get(leaf.parameter)
    if (!p) return
    const { reduceBucket } = this.#zero
    if (this.#elements + p.elements > reduceBucket && this.#elements > 0) this.#reduce()
    if (this.#bucket && this.#elements + p.elements <= reduceBucket) {
      const before = leaf.grad!
      const { axes } = leaf.variable
      leaf.grad = this.#simulator.view(this.#bucket, axes, contiguousStrides(axes))
      this.#simulator.release(before)
    }
    this.#waiting.push(leaf)
    this.#elements += p.elements
  }

  endBackward(): void {
    this.#reduce()
    this.#began = true
  }

  /** The step begins (`_pre_step`). */
  beginStep(): void {
    this.#microStep = 0
    this.#began = false
  }

  /** It is over (`reset_cpu_buffers`). */
  endStep(): void {
    this.#host?.endStep()
  }

  /** `__reduce_and_partition_ipg_grads` */
  #reduce(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    const { reduceBucket, reduceScatter } = this.#zero
    const whole = this.#bucket !== null && this.#elements <= reduceBucket && !reduceScatter
    const held = whole ? this.#averageBucket() : this.#scatter()
    for (const leaf of waiting) this.#keepPart(leaf)
    this.#host?.endCopies()
    for (const v of held) this.#simulator.release(v)
    this.#waiting = []
    this.#elements = 0
  }

  #partOf(leaf: Leaf<View>): PartitionedParameter {
    return this.#parameters.get(leaf.parameter!)!
  }

  /** `__avg_scatter_contiguous_grads`: the whole bucket is reduced, multiplied into another one, and cut. */
  #averageBucket(): SimTensor[] {
    const simulator = this.#simulator
    const { ranks, rank } = this.#seat
    simulator.position.op = 'all_reduce'
    const held: SimTensor[] = []
    if (ranks > 1) held.push(simulator.alloc([axis('bucket', this.#elements)], this.#zero.dtype))
    for (const leaf of this.#waiting) {
      const { elements, part } = this.#partOf(leaf)
      const own = Math.min(part, Math.max(0, elements - rank * part))
      if (own !== part) held.push(simulator.alloc([axis('padded', part)], this.#zero.dtype))
    }
    return held
  }

  /** `reduce_scatter_coalesced`: parts side by side, rank after rank, with padding; a single gradient that divides stays where it is. */
  #scatter(): SimTensor[] {
    const simulator = this.#simulator
    const { ranks } = this.#seat
    const { dtype } = this.#zero
    const parts = this.#waiting.map((leaf) => this.#partOf(leaf))
    simulator.position.op = 'reduce_scatter'
    if (parts.length === 1 && parts[0]!.elements % ranks === 0) return []
    const paddings: SimTensor[] = []
    for (let rank = 0; rank < ranks; rank++)
      for (const { elements, part } of parts) {
        const missing = part - Math.min(part, Math.max(0, elements - rank * part))
        if (missing > 0) paddings.push(simulator.alloc([axis('padding', missing)], dtype))
      }
    const flat = simulator.alloc([axis('parts', parts.reduce((n, p) => n + p.part, 0) * ranks)], dtype)
    for (const v of paddings) simulator.release(v)
    return [flat]
  }

  /** `partition_grads`: the part is copied or added into the buffer that lasts, and the gradient goes. */
  #keepPart(leaf: Leaf<View>): void {
    const { elements, part } = this.#partOf(leaf)
    const { ranks, rank } = this.#seat
    const isReal = part * rank < elements
    const given = Math.min(part, Math.max(0, elements - rank * part))
    // A scattered part is cut where the parameter ends; one of a whole bucket is padded.
    const copied = this.#zero.reduceScatter || this.#bucket === null || ranks === 1 ? given : part
    if (isReal) this.#host?.copy(copied, this.#microStep > 0, this.#last)
    if (leaf.grad) this.#simulator.release(leaf.grad)
    leaf.grad = null
  }
}

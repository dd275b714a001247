import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor, View } from '../../simulate/storage.ts'
import { contiguousStrides } from '../../simulate/strides.ts'
import { axis, numel } from '../../trace/axes.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { FlatParameters } from './flat.ts'
import type { FlatGroup } from './groups.ts'
import type { HostGradients } from './host-gradients.ts'
import { reduceContiguous, reduceScattered, slicesOf } from './reduction.ts'

/** A gradient in the rank's part, cut to it: padding has no parameter. */
export interface OwnGradient {
  readonly parameter: Parameter | null
  readonly elements: number
  readonly tensor: SimTensor
}

/**
 * Gradients under stages 1 and 2 (stage_1_and_2.py): they are copied into a bucket, reduced when it is full, and what the rank owns
 * moves into a tensor of its own. Stage 2 does so while the backward runs and drops the others'; stage 1 when it is over.
 */
export class FlatGradients {
  readonly #simulator: Simulator
  readonly #zero: Zero
  readonly #groups: readonly FlatParameters[]
  readonly #byParameter = new Map<Parameter, FlatParameters>()
  readonly #own = new Set<Parameter>()
  readonly #host: HostGradients | null
  /** `ipg_buckets`: the reduction's buffers, there from a backward's first gradient on. */
  #buffers: SimTensor[] | null = null
  #current = 0
  #elements = 0
  #waiting: Leaf<View>[] = []
  /** `grads_in_partition` */
  #part: SimTensor | null = null
  /** Sums over micro-steps, by group (`all_grad_tensors`). */
  readonly #sums = new Map<FlatParameters, readonly OwnGradient[]>()
  /** What the optimizer sees, by group (`averaged_gradients`). */
  readonly averaged = new Map<FlatParameters, readonly OwnGradient[]>()
  #last = true

  constructor(simulator: Simulator, zero: Zero, groups: readonly FlatParameters[], host: HostGradients | null) {
    this.#simulator = simulator
    this.#zero = zero
    this.#groups = groups
    this.#host = host
    for (const flat of groups) {
      for (const p of flat.group.parameters) this.#byParameter.set(p, flat)
      for (const run of flat.own) this.#own.add(run.parameter)
    }
  }

  beginMicroStep(last: boolean): void {
    this.#last = last
  }

  /** `process_gradients`, after a parameter's gradient is there. */
  arrived(leaf: Leaf<View>): void {
    if (!leaf.parameter || !this.#byParameter.has(leaf.parameter)) return
    this.#makeBuffers()
    const { stage, overlapComm } = this.#zero
    if (stage === 2 || (overlapComm && this.#last)) this.#take(leaf)
  }

  /** The engine's epilogue, after the backward has returned. */
  endBackward(): void {
    const { stage, overlapComm } = this.#zero
    if (stage === 1 && !this.#last) return
    if (stage === 1 && !overlapComm)
      for (const { group } of this.#groups)
        for (const p of group.parameters) {
          const { leaf } = this.#simulator.parameter(p)
          if (leaf?.grad) this.#take(leaf)
        }
    this.#reduce()
    if (!this.#host) for (const flat of this.#groups) this.#collect(flat)
    this.#letGo()
  }

  /** `setup_buckets` */
  #makeBuffers(): void {
    if (this.#buffers) return
    const { contiguousGradients, overlapComm, reduceBucket } = this.#zero
    this.#host?.beginBackward()
    this.#buffers = []
    this.#current = 0
    if (!contiguousGradients && !this.#host) return
    this.#simulator.position.op = 'bucket'
    for (let i = 0; i < (overlapComm ? 2 : 1); i++)
      this.#buffers.push(this.#simulator.alloc([axis('bucket', reduceBucket)], this.#zero.dtype))
  }

  get #contiguous(): boolean {
    return this.#zero.contiguousGradients || this.#host !== null
  }

  /** `reduce_independent_p_g_buckets_and_remove_grads` */
  #take(leaf: Leaf<View>): void {
    const { reduceBucket, overlapComm } = this.#zero
    const elements = numel(leaf.variable.axes)
    if (this.#elements + elements > reduceBucket) {
      this.#reduce()
      if (this.#contiguous && overlapComm) this.#current = 1 - this.#current
    }
    if (this.#contiguous && elements <= reduceBucket) this.#move(leaf, this.#buffers![this.#current]!)
    else if (this.#host) this.#host.keepLarge(leaf)
    this.#elements += elements
    this.#waiting.push(leaf)
  }

  /** `grad.data = buffer.narrow(…)` */
  #move(leaf: Leaf<View>, buffer: SimTensor): void {
    const { axes } = leaf.variable
    const before = leaf.grad!
    leaf.grad = this.#simulator.view(buffer, axes, contiguousStrides(axes))
    this.#simulator.release(before)
  }

  /** `reduce_ipg_grads` */
  #reduce(): void {
    const waiting = this.#waiting
    const parameters = waiting.map((leaf) => leaf.parameter!)
    const groupOf = (p: Parameter): FlatGroup => this.#byParameter.get(p)!.group
    if (this.#contiguous) reduceContiguous(this.#simulator, slicesOf(parameters, groupOf), this.#zero.dtype, this.#zero)
    else reduceScattered(this.#simulator, parameters, this.#zero.dtype)
    for (const leaf of waiting) {
      const owned = this.#own.has(leaf.parameter!)
      if (owned && this.#host) this.#host.take(leaf, this.#byParameter.get(leaf.parameter!)!, this.#last)
      else if (owned && this.#contiguous) this.#move(leaf, this.#makePart())
      else if (!owned && this.#zero.stage === 2) this.#drop(leaf)
    }
    this.#waiting = []
    this.#elements = 0
  }

  /** Every parameter that the rank owns some of, whole (`copy_grads_in_partition`). */
  #makePart(): SimTensor {
    if (this.#part) return this.#part
    const elements = [...this.#own].reduce((n, p) => n + numel(p.axes), 0)
    this.#simulator.position.op = 'grads_in_partition'
    this.#part = this.#simulator.alloc([axis('part', elements)], this.#zero.dtype, undefined, 'gradient')
    return this.#part
  }

  #drop(leaf: Leaf<View>): void {
    if (leaf.grad) this.#simulator.release(leaf.grad)
    leaf.grad = null
  }

  /** A group's gradients for the optimizer: views, and zeros for padding (`get_flat_partition`); sums where more micro-steps follow. */
  #collect(flat: FlatParameters): void {
    const simulator = this.#simulator
    simulator.position.op = 'averaged_gradients'
    const sums = this.#sums.get(flat)
    const found = sums ?? flat.own.map((run) => this.#gradientOf(run.parameter, run.elements))
    if (!this.#last) {
      this.#sums.set(flat, found)
      return
    }
    this.#sums.delete(flat)
    const missing = flat.group.part - flat.own.reduce((n, run) => n + run.elements, 0)
    if (missing === 0) {
      this.averaged.set(flat, found)
      return
    }
    const padding = simulator.alloc([axis('padding', missing)], this.#zero.dtype, undefined, 'gradient')
    this.averaged.set(flat, [...found, { parameter: null, elements: missing, tensor: padding }])
  }

  #gradientOf(parameter: Parameter, elements: number): OwnGradient {
    const { grad } = this.#simulator.parameter(parameter).leaf!
    const tensor = grad
      ? this.#simulator.alias(grad)
      : this.#simulator.alloc(parameter.axes, this.#zero.dtype, undefined, 'gradient')
    return { parameter, elements, tensor }
  }

  /** `_release_ipg_buffers`, `_clear_param_grad_only` */
  #letGo(): void {
    for (const buffer of this.#buffers ?? []) this.#simulator.release(buffer)
    if (this.#part) this.#simulator.release(this.#part)
    this.#buffers = null
    this.#part = null
    for (const p of this.#byParameter.keys()) {
      const { leaf } = this.#simulator.parameter(p)
      if (leaf) this.#drop(leaf)
    }
  }
}

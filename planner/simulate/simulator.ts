import type { Meta } from '../autograd/node.ts'
import type { Operation } from '../autograd/operation.ts'
import type { Position, Runtime } from '../autograd/runtime.ts'
import { Variable } from '../autograd/variable.ts'
import type { OpName } from '../ops/attributes.ts'
import type { Parameter } from '../ops/ops.ts'
import { type Axes, numel } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Category, Device, EventSink, Stream } from '../trace/event.ts'
import { DERIVATIVES } from './derivatives/index.ts'
import type { Dialect } from './dialect.ts'
import type { SimTensor, Storage, View } from './storage.ts'
import { contiguousStrides, isContiguous, isDense } from './strides.ts'

export interface SimulatorOptions {
  readonly dialect: Dialect
  readonly sink: EventSink
  /** Also writes reads and names, which only the auditor asks for. */
  readonly audited?: boolean
}

/** Tensors with a shape and a counted storage, and no numbers: every allocation and release is an event. */
export class Simulator implements Runtime<View> {
  readonly dialect: Dialect
  readonly position: Position = { step: 0, pass: 0, phase: 'static', scope: '', op: '' }
  readonly #sink: EventSink
  readonly #audited: boolean
  readonly #parameters: SimTensor[] = []
  readonly #buffers: SimTensor[] = []
  readonly #operations = new Map<OpName, unknown>()
  /** Where allocations go from here on, if not to the computation's own stream. */
  stream: Stream | null = null
  #storages = 0
  #seq = 0

  constructor(options: SimulatorOptions) {
    this.dialect = options.dialect
    this.#sink = options.sink
    this.#audited = options.audited === true
  }

  operation<N extends OpName>(op: N): Operation<View, N> {
    // The table's entry under a name is typed by that name; a map keeps only the union.
    const known = this.#operations.get(op) as Operation<View, N> | undefined
    if (known) return known
    const made = DERIVATIVES[op](this)
    this.#operations.set(op, made)
    return made
  }

  /** From here on the operation is this one: another function has been put in its place. */
  override<N extends OpName>(op: N, operation: Operation<View, N>): void {
    this.#operations.set(op, operation)
  }

  /** A new tensor on a new storage. Default strides are dense, row by row. */
  alloc(
    axes: Axes,
    dtype: DType,
    strides: readonly number[] = contiguousStrides(axes),
    category: Category = 'temporary',
    device: Device = 'device',
  ): SimTensor {
    const made = this.hollow(axes, dtype, strides)
    this.fill(made, category, device)
    return made
  }

  /** A tensor over a storage without bytes; `fill` gives it some. `within` is what the storage is allocated with. */
  hollow(
    axes: Axes,
    dtype: DType,
    strides: readonly number[] = contiguousStrides(axes),
    within: Axes = axes,
  ): SimTensor {
    const bytes = numel(within) * this.dialect.itemsize[dtype]
    const storage: Storage = { id: -1, bytes, axes: within, dtype, device: 'device', holders: 1, empty: true }
    return new Variable<View>(axes, dtype, { storage, strides, isView: false })
  }

  /** Bytes for an empty storage, under a number of their own (`storage.resize_`). */
  fill(v: SimTensor, category: Category, device: Device = 'device'): void {
    const { storage } = v.data
    if (!storage.empty) return
    storage.id = this.#storages++
    storage.empty = false
    storage.device = device
    const { step, phase, scope, op } = this.position
    this.#sink({
      seq: this.#seq++,
      step,
      phase,
      scope,
      op,
      action: 'alloc',
      storage: storage.id,
      bytes: storage.bytes,
      axes: storage.axes,
      dtype: storage.dtype,
      device,
      category,
      ...(this.stream ? { stream: this.stream } : {}),
    })
  }

  /** The storage's bytes go, whoever looks at it (`storage.resize_(0)`). */
  drain(v: SimTensor): void {
    const { storage } = v.data
    if (storage.empty) return
    this.#emit('free', storage)
    storage.empty = true
  }

  /** Another variable over `of`'s storage. */
  view(of: SimTensor, axes: Axes, strides: readonly number[], dtype: DType = of.dtype): SimTensor {
    of.data.storage.holders++
    return new Variable<View>(axes, dtype, { storage: of.data.storage, strides, isView: true })
  }

  alias(v: SimTensor): SimTensor {
    v.data.storage.holders++
    return new Variable<View>(v.axes, v.dtype, v.data)
  }

  /** The same tensor seen as a view of itself: its base stays alive with it. */
  asView(v: SimTensor): SimTensor {
    return new Variable<View>(v.axes, v.dtype, { storage: v.data.storage, strides: v.data.strides, isView: true })
  }

  release(v: SimTensor): void {
    const { storage } = v.data
    if (--storage.holders === 0) this.#emit('free', storage)
  }

  /** Registers a parameter, buffer or batch tensor: held for good. */
  keep(v: SimTensor): SimTensor {
    v.names = 1
    return v
  }

  /** Makes the tensors of all parameters and buffers, in `named_parameters()` order. */
  materialize(parameters: readonly Parameter[]): void {
    for (const p of parameters) {
      this.position.scope = p.path.slice(0, Math.max(0, p.path.lastIndexOf('.')))
      this.position.op = p.path.slice(p.path.lastIndexOf('.') + 1)
      const dtype = p.dtype === 'int64' ? this.dialect.integer : p.dtype
      const v = this.keep(this.alloc(p.axes, dtype, undefined, p.kind === 'quantization' ? 'other' : p.kind))
      if (p.trains || p.strayGradient) {
        v.requiresGrad = true
        v.leaf = { variable: v, parameter: p, grad: null }
      }
      if (p.kind !== 'quantization') this.place(p, v)
    }
    this.position.scope = ''
  }

  /** The tensor that stands for a parameter or buffer from here on: a shard's whole in place of the parameter's own. */
  place(p: Parameter, v: SimTensor): void {
    ;(p.kind === 'parameter' ? this.#parameters : this.#buffers)[p.index] = v
  }

  parameter(p: Parameter): SimTensor {
    const v = (p.kind === 'parameter' ? this.#parameters : this.#buffers)[p.index]
    if (!v) throw new Error(`${p.path} was not materialized`)
    return v
  }

  /** A frozen parameter from now on in another type, on a storage of its own. */
  replace(p: SimTensor, dtype: DType): SimTensor {
    const index = this.#parameters.indexOf(p)
    if (index < 0 || p.requiresGrad) throw new Error('only a frozen parameter is replaced')
    const replaced = this.keep(this.alloc(p.axes, dtype, undefined, 'parameter'))
    this.#parameters[index] = replaced
    this.release(p)
    return replaced
  }

  accumulate(a: SimTensor, b: SimTensor): SimTensor {
    if (a.whole !== b.whole) return this.#sumOfPieces(a.whole ? b : a)
    const { storage, strides } = a.data
    if (this.dialect.accumulatesInPlace && storage.holders === 1 && !a.data.isView && isDense(a.axes, strides)) return a
    return this.alloc(a.axes, a.dtype, isDense(a.axes, strides) ? strides : undefined)
  }

  /** A whole gradient is cut to the rank's piece first, and distributed tensors do not add in place. */
  #sumOfPieces({ axes, dtype }: SimTensor): SimTensor {
    const own = this.alloc(axes, dtype)
    const sum = this.alloc(axes, dtype)
    this.release(own)
    return sum
  }

  accumulateInto(kept: SimTensor): SimTensor {
    return this.dialect.accumulatesInPlace ? kept : this.alloc(kept.axes, kept.dtype)
  }

  /** A sum that also drops leading axes ends in a view (aten/src/ATen/ExpandUtils.h, sum_to). */
  sumTo(grad: SimTensor, axes: Axes): SimTensor {
    const sum = this.alloc(axes, grad.dtype)
    return this.dialect.strided && grad.axes.length > axes.length ? this.asView(sum) : sum
  }

  castTo(grad: SimTensor, dtype: DType): SimTensor {
    const dense = this.dialect.strided && isDense(grad.axes, grad.data.strides)
    return this.alloc(grad.axes, dtype, dense ? grad.data.strides : undefined)
  }

  /** A gradient is stolen if its layout is the parameter's and nobody else holds it (accumulate_grad.h, accumulateGrad). */
  steal(grad: SimTensor, leaf: SimTensor): SimTensor {
    const sole = grad.data.storage.holders === 1
    if (sole && isContiguous(grad.axes, grad.data.strides)) return grad
    return this.alloc(leaf.axes, leaf.dtype)
  }

  ones(like: SimTensor): SimTensor {
    return this.alloc(like.axes, like.dtype)
  }

  onSave(v: SimTensor, why: string): void {
    const { step, phase, scope, op } = this.position
    const { id, bytes, empty } = v.data.storage
    if (empty) return
    this.#sink({
      seq: this.#seq++,
      step,
      phase,
      scope,
      op,
      action: 'save',
      storage: id,
      bytes,
      why,
      axes: v.axes,
      dtype: v.dtype,
    })
  }

  onUnsave(v: SimTensor): void {
    this.#emit('unsave', v.data.storage)
  }

  onName(v: SimTensor, held: boolean): void {
    if (this.#audited) this.#emit(held ? 'bind' : 'unbind', v.data.storage)
  }

  onRead(v: SimTensor): void {
    if (this.#audited) this.#emit('read', v.data.storage)
  }

  onGradient(v: SimTensor): void {
    this.retag(v, 'gradient')
  }

  retag(v: SimTensor, category: Category): void {
    const { step, phase, scope, op } = this.position
    const { id, bytes } = v.data.storage
    this.#sink({ seq: this.#seq++, step, phase, scope, op, action: 'retag', storage: id, bytes, category })
  }

  #emit(action: 'free' | 'unsave' | 'bind' | 'unbind' | 'read', storage: Storage): void {
    if (storage.empty) return
    const { step, phase, scope, op } = this.position
    this.#sink({ seq: this.#seq++, step, phase, scope, op, action, storage: storage.id, bytes: storage.bytes })
  }
}

export const metaOf = (v: SimTensor | null | undefined): Meta | null => (v ? { axes: v.axes, dtype: v.dtype } : null)

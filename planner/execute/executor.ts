import type { Tensor } from '@tensorflow/tfjs-core'
import type { Operation } from '../autograd/operation.ts'
import type { Position, Runtime } from '../autograd/runtime.ts'
import type { OpName } from '../ops/attributes.ts'
import type { Parameter } from '../ops/ops.ts'
import { TILE } from '../ops/tiles.ts'
import { type Axes, numel } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Category, EventSink } from '../trace/event.ts'
import type { Engine, Values } from './engines/engine.ts'
import { EngineError } from './errors.ts'
import { type Kernels, kernelsOf } from './kernels/index.ts'
import { engineType, type Num, Primitives } from './kernels/primitives.ts'
import { summed } from './kernels/reduction.ts'
import { Ledger } from './ledger.ts'
import type { OnPhase } from './position.ts'
import { dropoutStreams } from './random.ts'
import { Recorder } from './recorder.ts'

export interface ExecutorOptions {
  readonly engine: Engine
  /** Of the dropout masks. */
  readonly seed: number
  readonly sink: EventSink
  /** Also writes reads and names, which only the auditor asks for. */
  readonly audited?: boolean
  /** Tokens of a block of attention; tests take short ones. */
  readonly tile?: number
  readonly onPhase?: OnPhase
}

const NEXT: { readonly [op in OpName]?: string } = {
  retype: 'Run the step without --quantize.',
  fused_linear_cross_entropy: 'Run the step without --fused-loss.',
  fast_rms_norm: 'Run the step without --fused-kernels.',
}

/** First values of a parameter or buffer, row by row. */
export type InitialValues = (p: Parameter) => ArrayLike<number>

/**
 * Runs a program with numbers on a tfjs engine. The tape decides when a tensor is held, saved and released; every alloc and free
 * event comes from the ledger on the engine's own table, never from what this class believes.
 */
export class Executor implements Runtime<Tensor> {
  readonly engine: Engine
  readonly ledger: Ledger
  readonly primitives: Primitives
  readonly position: Position
  readonly #recorder: Recorder
  readonly #audited: boolean
  readonly #kernels: Kernels
  readonly #parameters: Num[] = []
  readonly #buffers: Num[] = []
  readonly #kept: Num[] = []

  /** Throws `EngineError` where another executor runs on the engine. */
  constructor(options: ExecutorOptions) {
    this.engine = options.engine
    this.engine.activate()
    this.#recorder = new Recorder(options.sink, options.onPhase)
    this.position = this.#recorder.position
    this.#audited = options.audited === true
    this.ledger = new Ledger(options.engine, this.#recorder)
    this.primitives = new Primitives(options.engine, this.ledger)
    this.#kernels = kernelsOf(this.primitives, dropoutStreams(options.seed, this.position), options.tile ?? TILE)
  }

  operation<N extends OpName>(op: N): Operation<Tensor, N> {
    // The entry under a name is typed by that name.
    const kernel = this.#kernels[op] as Operation<Tensor, N> | undefined
    if (kernel) return kernel
    throw new EngineError(
      'not-executed',
      op,
      `${op} is not executed on tfjs`,
      NEXT[op] ?? 'Only its prediction exists.',
    )
  }

  /** Makes the tensors of parameters and buffers in the order given, with their first values. */
  materialize(parameters: readonly Parameter[], values: InitialValues): void {
    for (const p of parameters) {
      if (p.kind === 'quantization') {
        throw new EngineError('not-executed', p.path, 'packed weights are not executed', 'Run the step in float32.')
      }
      const dot = p.path.lastIndexOf('.')
      this.position.scope = p.path.slice(0, Math.max(0, dot))
      this.position.op = p.path.slice(dot + 1)
      const v = this.keep(p.axes, p.dtype, p.kind, values(p), p.path)
      if (p.trains || p.strayGradient) {
        v.requiresGrad = true
        v.leaf = { variable: v, parameter: p, grad: null }
      }
      ;(p.kind === 'parameter' ? this.#parameters : this.#buffers)[p.index] = v
    }
    this.position.scope = ''
  }

  /** A tensor of the batch, `[b, t]` ids or labels, held until the executor closes. */
  input(name: string, axes: Axes, dtype: DType, values: ArrayLike<number>): Num {
    this.position.op = name
    return this.keep(axes, dtype, 'input', values, name)
  }

  /** A tensor that is held until the executor closes; zeros without values. Throws `EngineError` where their number is wrong. */
  keep(axes: Axes, dtype: DType, category: Category, values: ArrayLike<number> | null, name: string): Num {
    if (values && values.length !== numel(axes)) {
      const message = `${name} has ${numel(axes)} elements, not ${values.length}`
      throw new EngineError('bad-batch', name, message, 'Give as many values as its shape has elements.')
    }
    const before = this.ledger.category
    this.ledger.category = category
    try {
      const type = engineType(dtype)
      const v = values ? this.primitives.upload(values, axes, type) : this.primitives.zeros(axes, type)
      v.names = 1
      this.#kept.push(v)
      return v
    } finally {
      this.ledger.category = before
    }
  }

  parameter(p: Parameter): Num {
    const v = (p.kind === 'parameter' ? this.#parameters : this.#buffers)[p.index]
    if (!v) throw new EngineError('not-materialized', p.path, `${p.path} has no tensor`, 'Call materialize first.')
    return v
  }

  /** The storage's own numbers: read at once, or copy. Not valid after the next allocation. */
  values(v: Num): Values {
    return this.primitives.values(v)
  }

  /** A copy of the numbers, from wherever they lie. */
  read(v: Num): Promise<Values> {
    return this.engine.read(v.data)
  }

  alias(v: Num): Num {
    return this.primitives.alias(v)
  }

  release(v: Num): void {
    v.data.dispose()
  }

  /** Always out of place: tfjs adds into no tensor. */
  accumulate(a: Num, b: Num): Num {
    return this.primitives.binary('Add', a, b)
  }

  accumulateInto(kept: Num, grad: Num): Num {
    return this.accumulate(kept, grad)
  }

  sumTo(grad: Num, axes: Axes): Num {
    return summed(this.primitives, grad, axes)
  }

  castTo(grad: Num, dtype: DType): Num {
    const copy = this.primitives.zeros(grad.axes, dtype)
    this.primitives.copy(grad, copy)
    return copy
  }

  /** The gradient itself, or a copy where its storage has another holder. */
  steal(grad: Num): Num {
    if (this.engine.holders(grad.data) === 1 && this.ledger.entries(grad.data.dataId) === 1) return grad
    const copy = this.primitives.zeros(grad.axes)
    this.primitives.copy(grad, copy)
    return copy
  }

  ones(like: Num): Num {
    return this.primitives.upload(new Float32Array(numel(like.axes)).fill(1), like.axes, 'float32')
  }

  onSave(v: Num, why: string): void {
    this.#recorder.save(this.ledger.of(v.data.dataId), v.axes, v.dtype, why)
  }

  onUnsave(v: Num): void {
    this.#recorder.note('unsave', this.ledger.of(v.data.dataId))
  }

  onName(v: Num, held: boolean): void {
    if (this.#audited) this.#recorder.note(held ? 'bind' : 'unbind', this.ledger.of(v.data.dataId))
  }

  onRead(v: Num): void {
    if (this.#audited) this.#recorder.note('read', this.ledger.of(v.data.dataId))
  }

  onGradient(v: Num): void {
    this.#recorder.retag(this.ledger.of(v.data.dataId), 'gradient')
  }

  /** Lets the engine go: its table is followed no more, and what was kept is released. */
  close(): void {
    this.ledger.detach()
    for (const v of this.#kept) if (!v.data.isDisposed) v.data.dispose()
    this.#kept.length = 0
  }
}

import type { OpName } from '../ops/attributes.ts'
import type { Parameter } from '../ops/ops.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Phase } from '../trace/event.ts'
import type { Operation } from './operation.ts'
import type { Variable } from './variable.ts'

/** Where the program is: every event carries it. */
export interface Position {
  step: number
  /** Which forward of the step it is, or whose backward: micro-steps and passes of reference count alike. */
  pass: number
  phase: Phase | 'static'
  scope: string
  op: string
}

/**
 * What the tape needs from whoever holds the bytes. The tape decides when a tensor is held, saved, added up and released; the
 * runtime does it, and reports its storages' events.
 */
export interface Runtime<D> {
  readonly position: Position
  operation<N extends OpName>(op: N): Operation<D, N>
  /** The tensor of a parameter or buffer. */
  parameter(p: Parameter): Variable<D>
  /** One more variable over the same storage, without history: what a node saves, what a gradient slot holds. */
  alias(v: Variable<D>): Variable<D>
  /** The variable is gone; its storage too if it was the last. */
  release(v: Variable<D>): void
  /** `a + b` as the engine adds a second gradient: into `a` itself where nobody else holds its storage and the runtime can. */
  accumulate(a: Variable<D>, b: Variable<D>): Variable<D>
  /** `.grad += grad` over micro-steps: always into `.grad` itself where the runtime can (accumulate_grad.h, accumulateGrad). */
  accumulateInto(kept: Variable<D>, grad: Variable<D>): Variable<D>
  /** The gradient of a broadcast input: `grad` summed to `axes` (a new tensor). */
  sumTo(grad: Variable<D>, axes: Axes): Variable<D>
  /** The gradient of an input of another type than it was computed in (a new tensor). */
  castTo(grad: Variable<D>, dtype: DType): Variable<D>
  /** What a parameter keeps as `.grad`: the tensor itself if it may be stolen, else a copy in the parameter's layout. */
  steal(grad: Variable<D>, leaf: Variable<D>): Variable<D>
  /** First gradient of the backward: ones like the loss. */
  ones(like: Variable<D>): Variable<D>
  /** For the trace: a node saved or let go of the storage; a name holds it or not; an operation read it. */
  onSave(v: Variable<D>, why: string): void
  onUnsave(v: Variable<D>): void
  onName(v: Variable<D>, held: boolean): void
  onRead(v: Variable<D>): void
  /** The storage now holds a parameter's gradient. */
  onGradient(v: Variable<D>): void
}

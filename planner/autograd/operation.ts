import type { AttributesOf, OpName } from '../ops/attributes.ts'
import type { Meta } from './node.ts'
import type { Variable } from './variable.ts'

/** What an operation sees while it runs forward. */
export interface Forward<D, N extends OpName> {
  readonly op: N
  readonly attributes: AttributesOf<N>
  readonly inputs: readonly (Variable<D> | null)[]
  /** True where a gradient of input `i` will be wanted: a save serves only such a derivative. */
  needs(i: number): boolean
  /** True while the tape records this operation. */
  readonly recording: boolean
  /** Keeps `tensor` until this operation's backward has run. `why` names the derivative that asks for it. */
  save(slot: string, tensor: Variable<D>, why: string): void
  /**
   * Keeps `tensor` as long as the node lives, as an attribute of a Python function's `ctx` does: no checkpoint packs it, and the
   * backward does not release it.
   */
  attach(tensor: Variable<D>, why: string): void
  /**
   * The results of `run`, which makes them; where a checkpointed region that kept them is run again, what it kept, and `run` is not
   * called. An operation that a checkpoint may keep makes all its results in one such call.
   */
  kernel(run: () => readonly Variable<D>[]): readonly Variable<D>[]
  /** True once `kernel` has handed out what a checkpoint kept. */
  readonly isHandedOut: boolean
}

/** What an operation sees while its gradient is computed. */
export interface Backward<D, N extends OpName> {
  readonly op: N
  readonly attributes: AttributesOf<N>
  /** Shapes of the forward's inputs and results; the tensors themselves only by `saved`. */
  readonly inputs: readonly (Meta | null)[]
  readonly outputs: readonly Meta[]
  needs(i: number): boolean
  /** The tensor saved under a slot. Throws where the forward saved none: a rule and its backward disagree. */
  saved(slot: string): Variable<D>
  has(slot: string): boolean
  /** The gradient of each result; null where none arrived. */
  readonly grads: readonly (Variable<D> | null)[]
}

/**
 * One operation on one runtime. `forward` returns new variables (a view's shares its input's storage); `backward` returns a
 * gradient for each input that needs one, null elsewhere. A gradient may be the incoming one itself (`add`).
 */
export interface Operation<D, N extends OpName> {
  forward(call: Forward<D, N>): readonly Variable<D>[]
  backward(call: Backward<D, N>): readonly (Variable<D> | null)[]
}

export type OperationTable<D> = { readonly [N in OpName]?: Operation<D, N> }

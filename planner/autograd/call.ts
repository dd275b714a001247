import type { AttributesOf, OpName } from '../ops/attributes.ts'
import type { Meta, Node } from './node.ts'
import type { Backward, Forward } from './operation.ts'
import type { Variable } from './variable.ts'

/** What becomes of a save: kept, or only its place held, or kept for a checkpoint's holder. */
export type SaveTo<D> = (node: Node<D>, slot: string, tensor: Variable<D>, why: string) => void

/** Runs an operation's kernel, or stands in for it. */
export type RunKernel<D> = (run: () => readonly Variable<D>[]) => readonly Variable<D>[]

/** One operation while it runs forward; `node` is null where nothing is recorded. */
export class ForwardCall<D, N extends OpName> implements Forward<D, N> {
  readonly op: N
  readonly attributes: AttributesOf<N>
  readonly inputs: readonly (Variable<D> | null)[]
  readonly #node: Node<D> | null
  readonly #saveTo: SaveTo<D>
  readonly #attachTo: (node: Node<D>, tensor: Variable<D>, why: string) => void
  readonly #runKernel: RunKernel<D> | null
  /** True once its kernel was asked for: what a checkpoint keeps has to be. */
  isAsked = false
  isHandedOut = false

  constructor(
    op: N,
    attributes: AttributesOf<N>,
    inputs: readonly (Variable<D> | null)[],
    node: Node<D> | null,
    saveTo: SaveTo<D>,
    attachTo: (node: Node<D>, tensor: Variable<D>, why: string) => void,
    runKernel: RunKernel<D> | null,
  ) {
    this.op = op
    this.attributes = attributes
    this.inputs = inputs
    this.#node = node
    this.#saveTo = saveTo
    this.#attachTo = attachTo
    this.#runKernel = runKernel
  }

  get recording(): boolean {
    return this.#node !== null
  }

  needs(i: number): boolean {
    return this.#node !== null && this.inputs[i]?.requiresGrad === true
  }

  save(slot: string, tensor: Variable<D>, why: string): void {
    if (this.#node) this.#saveTo(this.#node, slot, tensor, why)
  }

  attach(tensor: Variable<D>, why: string): void {
    if (this.#node) this.#attachTo(this.#node, tensor, why)
  }

  kernel(run: () => readonly Variable<D>[]): readonly Variable<D>[] {
    this.isAsked = true
    if (!this.#runKernel) return run()
    this.isHandedOut = true
    return this.#runKernel(() => {
      this.isHandedOut = false
      return run()
    })
  }
}

/** One node while its gradients are computed. */
export class BackwardCall<D> implements Backward<D, OpName> {
  readonly op: OpName
  readonly grads: readonly (Variable<D> | null)[]
  readonly #node: Node<D>

  constructor(node: Node<D>, op: OpName, grads: readonly (Variable<D> | null)[]) {
    this.#node = node
    this.op = op
    this.grads = grads
  }

  get attributes(): AttributesOf<OpName> {
    return this.#node.attributes
  }

  get inputs(): readonly (Meta | null)[] {
    return this.#node.inputs
  }

  get outputs(): readonly Meta[] {
    return this.#node.outputs
  }

  needs(i: number): boolean {
    return this.#node.edges[i] != null
  }

  has(slot: string): boolean {
    for (const s of this.#node.saved) if (s.slot === slot) return true
    return false
  }

  saved(slot: string): Variable<D> {
    for (const s of this.#node.saved) if (s.slot === slot) return s.variable
    throw new Error(`the backward of ${this.op} asks for ${slot}, which its forward did not save`)
  }
}

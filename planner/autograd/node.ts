import type { AttributesOf, OpName } from '../ops/attributes.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Leaf, Variable } from './variable.ts'

/** Something a derivative will ask for: which one (`why`), and under which name it is kept. */
export interface Saved<D> {
  readonly slot: string
  readonly why: string
  readonly variable: Variable<D>
}

/** A place held for a tensor that a checkpointed region will compute again. */
export interface Holder {
  readonly slot: string
  readonly why: string
  /** Which save of the region it is, counted from 0. */
  readonly index: number
}

/** A checkpointed region, as its nodes see it. */
export interface Recomputation<D> {
  /** Fills the node's holders, running the region again if that has not happened. */
  unpack(node: Node<D>): void
  /** The node needs its holders no more. */
  settle(node: Node<D>): void
}

/** Where an input's gradient goes: to the node that made the input, or to a leaf; null where none is wanted. */
export type Edge<D> = { readonly node: Node<D>; readonly output: number } | { readonly leaf: Leaf<D> } | null

/** Shape and type of a tensor that need not be alive. */
export interface Meta {
  readonly axes: Axes
  readonly dtype: DType
}

/** Computes a node's gradients itself, in place of an operation's backward: a reentrant checkpoint, a hook on a module's arguments. */
export type CustomBackward<D> = (grads: readonly (Variable<D> | null)[]) => readonly (Variable<D> | null)[]

/** An operation, or a Python function that stands in the graph like one (`torch.autograd.Function`). */
export type NodeName = OpName | 'checkpoint' | 'post_backward'

/** One recorded operation. */
export class Node<D> {
  readonly op: NodeName
  readonly attributes: AttributesOf<OpName>
  /** Sequence number: the engine runs nodes by it, descending. */
  readonly sequence: number
  /** Scope of the forward. */
  readonly scope: string
  readonly edges: readonly Edge<D>[]
  /** The forward's inputs and results, for their shapes alone: the tensors may be gone. */
  readonly inputs: readonly (Meta | null)[]
  outputs: readonly Meta[] = NOTHING
  // A list that a node does not need is the one empty list, and one that it needs is as long as what it holds: an array that grows
  // by push takes room for seventeen. That is a sixth of what a simulated step allocates.
  saved: readonly Saved<D>[] = NOTHING
  /** What goes with the node itself. */
  attached: readonly Variable<D>[] = NOTHING
  /** In a checkpointed region: places for what will be computed again, and the region. */
  held: readonly Holder[] = NOTHING
  checkpoint: Recomputation<D> | null = null
  custom: CustomBackward<D> | null = null
  /** Called before the node runs, where a gradient of one of its results has arrived (`Tensor.register_hook`). */
  watchers: (() => void)[] | null = null
  /** Result variables that are alive plus nodes that consume a result: at zero the node goes with what it saved. */
  holders = 0
  /** The engine's walk over the graph that came by last. */
  walk: object | null = null
  /** Gradients that have arrived, by result; null before the first. */
  pending: (Variable<D> | null)[] | null = null

  constructor(
    op: NodeName,
    attributes: AttributesOf<OpName>,
    sequence: number,
    scope: string,
    edges: readonly Edge<D>[],
    inputs: readonly (Meta | null)[],
  ) {
    this.op = op
    this.attributes = attributes
    this.sequence = sequence
    this.scope = scope
    this.edges = edges
    this.inputs = inputs
  }

  keep(saved: Saved<D>): void {
    this.saved = [...this.saved, saved]
  }

  /** A gradient of one of its results has come. */
  receive(output: number, grad: Variable<D>): void {
    this.pending ??= new Array(this.outputs.length).fill(null)
    this.pending[output] = grad
  }
}

/** The list without elements. */
export const NOTHING: readonly never[] = []

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

/** Where an input's gradient goes: to the node that made the input, or to a leaf; null where none is wanted. */
export type Edge<D> = { readonly node: Node<D>; readonly output: number } | { readonly leaf: Leaf<D> } | null

/** Shape and type of a tensor that need not be alive. */
export interface Meta {
  readonly axes: Axes
  readonly dtype: DType
}

/** One recorded operation. */
export class Node<D> {
  readonly op: OpName
  readonly attributes: AttributesOf<OpName>
  /** Sequence number: the engine runs nodes by it, descending. */
  readonly sequence: number
  /** Scope of the forward. */
  readonly scope: string
  readonly edges: readonly Edge<D>[]
  readonly inputs: readonly (Meta | null)[]
  outputs: readonly Meta[] = []
  saved: Saved<D>[] = []
  /** Result variables that are alive plus nodes that consume a result: at zero the node goes with what it saved. */
  holders = 0
  /** Gradients that have arrived, by result. */
  pending: (Variable<D> | null)[] = []

  constructor(
    op: OpName,
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
}

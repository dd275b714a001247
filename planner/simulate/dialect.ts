import type { OpName } from '../ops/attributes.ts'
import type { DType } from '../trace/dtype.ts'

/**
 * An operation's temporaries in order, for operations that are not one kernel: `t=self` allocates `t` shaped like `self`,
 * `-t` releases it, `@=self` allocates the result (forward) or the gradient (backward). What a script has not released goes when
 * it ends, first allocated first. Shapes: an input or saved tensor by name, `result`, `grad`; `rows:x` is x with its last axis
 * one, `lastaxis:x` only its last axis, `scalar` one element. A suffix `/float32` states the type, else it is that of the shape's.
 */
export type Script = readonly string[]

/** How one operation's gradients come about on a runtime. */
export interface BackwardScripts {
  /** Inputs in the order in which their gradients are made; default: the derivative's own. */
  readonly order?: readonly string[]
  /** By input: temporaries and the gradient. `pass` hands the incoming gradient on. */
  readonly [input: string]: Script | 'pass' | readonly string[] | undefined
}

/**
 * Attention by blocks: what each part of the schedule allocates and releases, in order. Names live on from one script to the next
 * within a block of queries; `a<-b` gives b's tensor the name a. Shapes: a tile's `query`, `key`, `scores`, `row`.
 */
export interface TileScripts {
  /** Tokens of a block. */
  readonly size: number
  /** Forward: before a block of queries; its first and each further block of keys; after them. */
  readonly open: Script
  readonly first: Script
  readonly next: Script
  readonly close: Script
  /** Backward: before a block of queries; the powers of each block of keys again. */
  readonly again: Script
  readonly powers: Script
  /** Where dQuery or dKey is wanted. */
  readonly dScores: Script
  readonly dValue: Script
  readonly dPowersEnd: Script
  readonly dKey: Script
  readonly dQueryFirst: Script
  readonly dQueryNext: Script
  readonly dScoresEnd: Script
  readonly tileEnd: Script
  readonly dQueryEnd: Script
  readonly end: Script
}

/** Data about a runtime's operations: what the same program costs there. */
export interface Dialect {
  readonly name: string
  /** Bytes of an element as the runtime stores it. */
  readonly itemsize: Readonly<Record<DType, number>>
  /** Type of token ids, positions and labels. */
  readonly integer: DType
  /** Type of a dropout mask. */
  readonly mask: DType
  /** Operations whose result shares its input's storage where strides allow; the others copy. */
  readonly aliases: ReadonlySet<OpName>
  /** True where strides exist: a transposed tensor keeps its storage and element-wise results follow their operands' order. */
  readonly strided: boolean
  /** True where the engine adds a second gradient into the first if nobody else holds it. */
  readonly accumulatesInPlace: boolean
  /** A script may be of one variant of an operation: `causal_mask.padded`. */
  readonly forward: { readonly [op in OpName | `${OpName}.${string}`]?: Script }
  readonly backward: { readonly [op in OpName | `${OpName}.${string}`]?: BackwardScripts }
  /** Where attention as one operation runs by blocks; null where it is one of CUDA's kernels. */
  readonly tiles: TileScripts | null
}

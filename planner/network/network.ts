import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { StageProgram } from './stage.ts'

/** A tensor of the batch, before a runtime makes it. */
export interface InputSpec {
  readonly name: 'input_ids' | 'labels' | 'attention_mask'
  readonly axes: Axes
  readonly dtype: DType
}

/** The batch's tensors by name. */
export type Batch<T> = { readonly [name in InputSpec['name']]?: T }

/** A model as a program over `Ops`, with its parameters declared. */
export interface Network {
  /** In `named_parameters()` order; tied weights once. */
  readonly parameters: readonly Parameter[]
  readonly buffers: readonly Parameter[]
  /** Scales and tables of quantized weights. */
  readonly quantization?: readonly Parameter[]
  readonly inputs: readonly InputSpec[]
  /** What it runs as a stage of a pipeline, where it is one. */
  readonly stage?: StageProgram
  /** Paths of the modules that carry an adapter. */
  readonly adapted: number
  /** The forward of `model(**batch)`: `[logits, loss]`. The loss is one number; a fused one makes no logits. */
  forward<T extends Tensor>(o: Shorthand<T>, batch: Batch<T>): readonly [logits: T | null, loss: T]
}

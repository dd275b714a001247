import type { Axes, Axis } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'

type None = Readonly<Record<never, never>>

export type FusedLossVersion = '0.5' | '0.8' | 'foak'

/** A packed weight's number of rows and its blocks of scales. */
export interface Packed {
  readonly output: Axis
  readonly blocks: Axis
}

/**
 * The vocabulary of all programs: each operation is what an autograd engine sees as one node, by the name that torch gives it
 * where torch has one. The value is the type of its attributes; tensors are its inputs, in the order of `INPUTS`.
 */
export interface Attributes {
  // element by element
  add: None
  /** `self += other`: the result takes over the storage of `self`. */
  add_: None
  add_scalar: { readonly value: number }
  sub: None
  mul: None
  div: None
  mul_scalar: { readonly value: number }
  /** By whole numbers or a mask as they are: the result has `self`'s type, and `other` no gradient. */
  mul_whole: None
  div_whole: None
  neg: None
  /** `self` where the condition holds, else `other`, one number without a gradient. */
  where: None
  pow: { readonly exponent: number }
  rsqrt: None
  tanh: None
  relu: None
  silu: None
  gelu: { readonly approximate: 'none' | 'tanh' }
  to: { readonly dtype: DType }
  dropout: { readonly p: number }
  // over the last axis
  mean: None
  /** Over axis `at`, which goes or is kept as one element; of a mask or whole numbers it counts. Floating ones in `dtype`, if given. */
  sum: { readonly at: number; readonly keep: boolean; readonly dtype?: DType }
  /** Length of each row. */
  vector_norm: None
  softmax: None
  log_softmax: None
  layer_norm: { readonly eps: number }
  // products
  linear: None
  /** `bias + input · weight`, the weight `[in, out]` (transformers' Conv1D). */
  conv1d: None
  /** A linear whose weight is packed in 4 bits; `output` is its number of rows, `blocks` of scales, `nested` if those are quantized too. */
  linear_4bit: { readonly output: Axis; readonly blocks: Axis; readonly nested: boolean }
  /** Such a weight, unpacked. */
  dequantize_4bit: { readonly axes: Axes; readonly dtype: DType; readonly blocks: Axis; readonly nested: boolean }
  /** A linear whose weight is in 8 bits, with a scale a row. */
  linear_8bit: None
  bmm: None
  // shapes
  view: { readonly axes: Axes }
  reshape: { readonly axes: Axes }
  transpose: { readonly a: number; readonly b: number }
  permute: { readonly order: readonly number[] }
  expand: { readonly axes: Axes }
  unsqueeze: { readonly at: number }
  slice: { readonly at: number; readonly start: number; readonly length: number; readonly name?: string }
  select: { readonly at: number; readonly index: number }
  /** An axis in several parts; each part's name and size. One node with several results. */
  split: { readonly at: number; readonly parts: Axes }
  /** Axis `at` taken apart: a result for each of its places. One node. */
  unbind: { readonly at: number }
  contiguous: None
  clone: None
  /** `self.data = self.data.to(dtype)`: a frozen parameter goes over to a storage of another type for good. */
  retype: { readonly dtype: DType }
  /** The same tensor without its history. */
  detach: None
  cat: { readonly at: number }
  // between ranks that share a layer (torch/distributed/tensor, DTensor's redistribute)
  /** The sum of what each rank has a part of; the gradient passes. */
  all_reduce: None
  /** The same tensor on every rank, whose gradient each rank makes a part of: the gradient is their sum. */
  copy_to_ranks: None
  /** The ranks' pieces of the last axis, side by side; the gradient is the rank's own piece. */
  all_gather: { readonly whole: Axis }
  /** The rank's own piece of the last axis; the gradient is all of them side by side. */
  own_piece: { readonly piece: Axis }
  /** Rows of a table whose other rows the other ranks have, zeros for those; the gradient is one of the whole table of `whole` rows. */
  embedding_piece: { readonly whole: Axis }
  // tokens that are handed to experts
  /** The largest of the last axis and their places, two results: `[…, n] → […, largest]`. */
  topk: { readonly largest: Axis }
  /** `self /= other`: the result takes over the storage of `self`. */
  div_: None
  /** Whole numbers in order, and where each stood, two results: `[n]`. */
  sort: None
  /** Whole numbers by a number, rounded down. */
  floor_divide: { readonly by: number }
  /** Rows of `self` `[n, …]` at `indices` `[m]`: `[m, …]`. */
  index: None
  /** How often each whole number below the size of `bins` occurs. */
  histc: { readonly bins: Axis }
  /** Each place's sum with all before it. */
  cumsum: None
  /** Where each number of a permutation `[n]` stands. */
  inverse_permutation: None
  /** Rows of `self` `[s, n]`, each times the matrix of its group in `mat2` `[E, n, m]`, whose last rows `offs` `[E]` says: `[s, m]`. */
  grouped_mm: None
  // tables and losses
  embedding: None
  nll_loss: { readonly ignoreIndex: number }
  /** A linear and its cross entropy, some rows at a time, by a version of liger-kernel or by the copy in fms-acceleration. */
  fused_linear_cross_entropy: { readonly version: FusedLossVersion }
  // kernels of fms-acceleration's plugin (foak)
  fast_rms_norm: None
  /** Turns its input in place: `[b, t, a, d]`. */
  fast_rope: None
  /** A loss a row; `logits` become their own gradient. */
  fast_cross_entropy: { readonly ignoreIndex: number }
  /** How many targets count. */
  count_targets: { readonly ignoreIndex: number }
  /**
   * Linears over one input with 4-bit weights and an adapter each, before which `dropout` is drawn; `overwrites` if the input's
   * gradient is written over it.
   */
  fused_lora: { readonly projections: readonly Packed[]; readonly dropout: number; readonly overwrites: boolean }
  // attention as one kernel
  sdpa: { readonly causal: boolean; readonly dropout: number; readonly scale: number; readonly grouped: boolean }
  /** flash-attn's own kernel: `[b, t, a, d]`, keys `[b, s, k, d]` grouped as they are. The engines' takes a batch's mask `[b, s]` of its keys too. */
  flash_attn: {
    readonly causal: boolean
    readonly dropout: number
    readonly scale: number
    /** Tokens before itself that a query sees, counting itself. */
    readonly window: number | null
    /** Scores are kept within ± this by a tanh. */
    readonly cap: number | null
  }
  // made from numbers, without a gradient
  /** 0, 1, 2 …, to which the number of tokens before them is added unless `past` is false. */
  positions: { readonly axes: Axes; readonly past?: false }
  constant: { readonly axes: Axes; readonly dtype: DType; readonly value: number }
  causal_mask: {
    readonly batch: Axis
    readonly tokens: Axis
    readonly keys: Axis
    readonly window: number | null
    /** One mask for all sequences, stretched over the batch. */
    readonly stretched?: boolean
    /** An encoder's: nothing is hidden but padding, and what is farther than the window on either side. */
    readonly bidirectional?: boolean
    /** Whose helper makes it, where a modeling file has its own (transformers 4). */
    readonly helper?: 'mistral' | 't5' | 't5_extended'
    /** Type of an additive mask; `bool` where the kernel takes a mask of what may be seen. */
    readonly dtype: DType
  }
  rotary_table: {
    readonly width: Axis
    readonly theta: number
    /** Null where nothing is multiplied. */
    readonly scaling: number | null
    readonly dtype: DType
  }
  position_ids_after_padding: { readonly padId: number }
  /** Positions of what a mask `[b, t]` lets be seen, from 0; −1 before the first. */
  positions_of_mask: None
  /** Whole numbers, each by so much more. */
  shifted_ids: { readonly by: number }
  relative_buckets: {
    readonly query: Axis
    readonly key: Axis
    readonly bidirectional: boolean
    readonly buckets: number
    readonly maxDistance: number
  }
  /** One more column at the end of the last axis. */
  pad: { readonly value: number; readonly name: string }
  shift_right: { readonly start: number; readonly pad: number; readonly ignoreIndex: number }
}

export type OpName = keyof Attributes
export type AttributesOf<N extends OpName> = Attributes[N]

/** Names of the tensor inputs, as derivatives.yaml names them; `?` marks one that may be absent, `*` a list. */
export const INPUTS = {
  add: ['self', 'other'],
  add_: ['self', 'other'],
  add_scalar: ['self'],
  sub: ['self', 'other'],
  mul: ['self', 'other'],
  div: ['self', 'other'],
  mul_scalar: ['self'],
  mul_whole: ['self', 'other'],
  div_whole: ['self', 'other'],
  neg: ['self'],
  where: ['condition', 'self', 'other'],
  pow: ['self'],
  rsqrt: ['self'],
  tanh: ['self'],
  relu: ['self'],
  silu: ['self'],
  gelu: ['self'],
  to: ['self'],
  dropout: ['input'],
  mean: ['self'],
  sum: ['self'],
  vector_norm: ['self'],
  softmax: ['self'],
  log_softmax: ['self'],
  layer_norm: ['input', 'weight?', 'bias?'],
  linear: ['input', 'weight', 'bias?'],
  conv1d: ['input', 'weight', 'bias'],
  linear_4bit: ['input', 'weight', 'bias?'],
  dequantize_4bit: ['weight'],
  linear_8bit: ['input', 'weight', 'bias?'],
  bmm: ['self', 'mat2'],
  view: ['self'],
  reshape: ['self'],
  transpose: ['self'],
  permute: ['self'],
  expand: ['self'],
  unsqueeze: ['self'],
  slice: ['self'],
  select: ['self'],
  split: ['self'],
  unbind: ['self'],
  contiguous: ['self'],
  clone: ['self'],
  retype: ['self'],
  detach: ['self'],
  cat: ['*'],
  all_reduce: ['self'],
  copy_to_ranks: ['self'],
  all_gather: ['self'],
  own_piece: ['self'],
  embedding_piece: ['weight', 'indices'],
  topk: ['self'],
  div_: ['self', 'other'],
  sort: ['self'],
  floor_divide: ['self'],
  index: ['self', 'indices'],
  histc: ['self'],
  cumsum: ['self'],
  inverse_permutation: ['self'],
  grouped_mm: ['self', 'mat2', 'offs'],
  embedding: ['weight', 'indices'],
  nll_loss: ['self', 'target'],
  fused_linear_cross_entropy: ['input', 'weight', 'target'],
  fast_rms_norm: ['input', 'weight'],
  fast_rope: ['input', 'cos', 'sin'],
  fast_cross_entropy: ['logits', 'target'],
  count_targets: ['target'],
  fused_lora: ['*'],
  sdpa: ['query', 'key', 'value', 'attn_mask?'],
  flash_attn: ['query', 'key', 'value', 'attn_mask?'],
  positions: [],
  constant: [],
  causal_mask: ['padding?'],
  rotary_table: ['inv_freq', 'position_ids'],
  position_ids_after_padding: ['input_ids'],
  positions_of_mask: ['mask'],
  shifted_ids: ['ids'],
  relative_buckets: [],
  pad: ['self'],
  shift_right: ['labels'],
} as const satisfies Record<OpName, readonly string[]>

import type { Alloc } from '../../trace/event.ts'

/** Which kernel runs an attention: PyTorch's own FlashAttention and flash-attn's, or the memory-efficient one. */
export type AttentionKernel = 'flash' | 'efficient'

/** What an operation's kernels are told by the trace: its results, and of the forward what made the choice of kernel. */
export interface Work {
  /** Results in the order in which they are allocated: for an attention's backward dQ, dK and dV. */
  readonly results: readonly Alloc[]
  readonly kernel: AttentionKernel
  /** Rows that an embedding looked up. */
  readonly rows: number
}

/** Bytes that a CUDA kernel asks the allocator for and gives back when its operation ends: in no trace, since no tensor shows them. */
export interface ScratchTerm {
  readonly name: string
  /** The operation as the trace writes it. */
  readonly op: string
  /** Buffers in the order in which they are allocated, after the results; those of no bytes are left out. */
  readonly buffers: (work: Work) => readonly number[]
  readonly source: string
}

const FLOAT = 4
const INT64 = 8
const upTo = (n: number, unit: number): number => Math.ceil(n / unit) * unit

interface AttentionShape {
  readonly batch: number
  readonly tokens: number
  readonly heads: number
  readonly width: number
  readonly keys: number
  readonly keyHeads: number
  readonly itemsize: number
}

/** Shapes off dQ and dK. `tokensAt` is 2 for `[b, a, t, d]`, 1 for `[b, t, a, d]`. */
function shapeOf({ results }: Work, tokensAt: 1 | 2): AttentionShape | null {
  const [dq, dk] = results
  if (!dq || !dk || dq.axes.length !== 4) return null
  const headsAt = tokensAt === 2 ? 1 : 2
  const size = (of: Alloc, at: number): number => of.axes[at]!.size
  return {
    batch: size(dq, 0),
    tokens: size(dq, tokensAt),
    heads: size(dq, headsAt),
    width: size(dq, 3),
    keys: size(dk, tokensAt),
    keyHeads: size(dk, headsAt),
    itemsize: dq.bytes / dq.axes.reduce((n, a) => n * a.size, 1),
  }
}

/** The gradients' row sums, dQ in float32, and dK and dV of all query heads where fewer have keys. */
function flash(shape: AttentionShape | null): number[] {
  if (!shape) return []
  const { batch, tokens, heads, width, keys, keyHeads, itemsize } = shape
  const rows = upTo(tokens, 128)
  const rounded = width <= 192 ? upTo(width, 32) : 256
  const expanded = heads === keyHeads ? [] : [1, 1].map(() => batch * keys * heads * width * itemsize)
  return [batch * heads * rows * FLOAT, batch * rows * heads * rounded * FLOAT, ...expanded]
}

/** Tiles of 64 × 64 into which dQ is summed, each with a lock; in float32 also the product whose row sums delta is. */
function efficient(shape: AttentionShape | null): number[] {
  if (!shape) return []
  const { batch, tokens, heads, width, itemsize } = shape
  const delta = batch * heads * tokens * FLOAT
  const product = itemsize === FLOAT ? [batch * tokens * heads * width * FLOAT] : []
  const tiles = Math.ceil(tokens / 64) * Math.ceil(width / 64)
  return [...product, delta, batch * heads * tiles * (64 * 64 * FLOAT + 16)]
}

/** Up to so many rows an embedding's gradient is summed without sorting. */
const UNSORTED_ROWS = 3072

/** Sorted and original indices, four arrays over the segments, and a float32 row for each index. */
function embedding({ results, rows }: Work): number[] {
  const width = results[0]?.axes.at(-1)?.size
  if (width === undefined || rows <= UNSORTED_ROWS) return []
  return [...Array.from({ length: 6 }, () => rows * INT64), rows * width * FLOAT]
}

/** Everything that is counted beside the trace. docs/allocators.md lists it from here. */
export const SCRATCH: readonly ScratchTerm[] = [
  {
    name: "FlashAttention's backward: row sums of dO·O [b, a, t↑128], dQ in float32 [b, t↑128, a, d↑32], and with grouped keys dK and dV of all heads",
    op: 'sdpa backward',
    buffers: (work) => (work.kernel === 'flash' ? flash(shapeOf(work, 2)) : efficient(shapeOf(work, 2))),
    source:
      'aten/src/ATen/native/transformers/cuda/flash_attn/flash_api.cpp, mha_bwd; without it attention_backward.cu, _efficient_attention_backward, and mem_eff_attention/kernel_backward.h, workspace_size',
  },
  {
    name: "flash-attn's backward: the same buffers",
    op: 'flash_attn backward',
    buffers: (work) => flash(shapeOf(work, 1)),
    source: 'flash-attention, csrc/flash_attn/flash_api.cpp, mha_bwd',
  },
  {
    name: `an embedding's gradient from more than ${UNSORTED_ROWS} rows: indices sorted, [rows, h] in float32`,
    op: 'embedding backward',
    buffers: embedding,
    source:
      'aten/src/ATen/native/cuda/Embedding.cu, embedding_dense_backward_cuda, and EmbeddingBackwardKernel.cu, grad_weight_per_segment; the temporary of the sort itself is not counted',
  },
]

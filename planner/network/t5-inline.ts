import type { Frame, Shorthand, Tensor } from '../ops/ops.ts'
import type { Axis } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { invertedMask } from './mask.ts'

// modeling_t5.py of transformers 4, where attention is written out and every stack has masks.

/** What a stack's blocks share: masks, and `cache_position` where transformers 4 counts by it. */
export interface Masks<T> {
  readonly self: T | null
  readonly cross: T | null
  readonly positions: T | null
}

interface InlineCall<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly mask: T | null
  /** The first layer's with the mask in it, from the second layer on. */
  readonly bias: T | null
  /** Whether a learned bias is cut to the rows of the queries. */
  readonly isCut: boolean
  /** `[1, a, t, s]` for the first layer. */
  readonly makeBias: (dtype: DType) => T
  /** Null across, where the block has counted. */
  readonly positions: T | null
  readonly dropout: number
}

/** The middle of T5Attention.forward, with its names in `s`: the result `[b, t, a, d]`, and the bias that all layers share. */
export function attendInline<T extends Tensor>(
  o: Shorthand<T>,
  s: Frame<T>,
  { q, k, v, mask, ...call }: InlineCall<T>,
): readonly [out: T, bias: T] {
  let scores = s.let(o.matmul(q, o.transpose(k, 2, 3)))
  let { bias } = call
  if (!bias) {
    if (call.positions) s.let(lengthSoFar(o, call.positions))
    bias = s.let(call.makeBias(scores.dtype))
    if (call.isCut) bias = s.set(bias, o.slice(bias, 2, 0, q.axes[2]!.size))
    if (mask) bias = s.set(bias, o.add(bias, mask))
  }
  scores = s.set(scores, o.run('add_', [scores, bias], {}))
  let weights = s.let(o.to(o.softmax(scores, 'float32'), scores.dtype))
  weights = s.set(weights, o.dropout(weights, call.dropout))
  const out = s.let(o.matmul(weights, v))
  return [s.set(out, o.contiguous(o.transpose(out, 1, 2))), bias]
}

/** `cache_position[-1] + 1`, one number. */
export const lengthSoFar = <T extends Tensor>(o: Shorthand<T>, positions: T): T =>
  o.addScalar(o.select(positions, 0, positions.axes[0]!.size - 1), 1)

/** A stack's sizes; `counts`: whether it numbers its tokens (transformers 4.48, not yet 4.45). */
interface Stacked {
  readonly batch: Axis
  readonly tokens: Axis
  readonly sources: Axis | null
  readonly dtype: DType
  readonly counts: boolean
}

/** What T5Stack.forward makes before its blocks run, among its names; `sources` are the encoder's tokens, in the decoder. */
export function inlineMasks<T extends Tensor>(
  o: Shorthand<T>,
  s: Frame<T>,
  { batch, tokens, sources, dtype, counts }: Stacked,
): Masks<T> {
  const ones = (keys: Axis, type: DType): T =>
    s.let(o.run('constant', [], { axes: [batch, keys], dtype: type, value: 1 }))
  const positions = counts ? s.let(o.run('positions', [], { axes: [tokens] })) : null
  const seen = ones(tokens, 'float32')
  if (!sources) return { self: s.let(invertedMask(o, seen, dtype)), cross: null, positions }
  const helper = counts ? 't5' : 't5_extended'
  const causal = { batch, tokens, keys: tokens, dtype, window: null, helper } as const
  const self = s.let(o.run('causal_mask', [seen], causal))
  const cross = s.let(invertedMask(o, ones(sources, 'int64'), dtype))
  return { self, cross, positions }
}

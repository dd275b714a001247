import type { Frame, Shorthand, Tensor } from '../ops/ops.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { inlineEager, inlineFlash, inlineSdpa } from './inline-attention.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'

/** One call of attention: q `[b, a, t, d]`, k and v `[b, k, s, d]`, mask `[b or 1, 1, t, s]`. */
export interface Attend<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly mask: T | null
  readonly dropout: number
  readonly scale: number
  readonly causal: boolean
  /** Tokens that a query sees, itself and those before it, of an encoder's those on either side; the mask has it too where there is one. */
  readonly window?: number | null
  /** Softmax in float32 and back, as LLaMA's eager attention; BERT's stays in the type it has. */
  readonly upcast: boolean
  /** Added to the scores before the mask (T5). `[1, a, t, s]` */
  readonly bias?: T
  /** Scores are kept within ± this by a tanh (Gemma 2; sdpa knows none). */
  readonly cap?: number | null
}

/** The result `[b, t, a, d]`, and under eager the weights `[b, a, t, s]`, which callers hold on to as `_`. */
export type Attended<T> = readonly [out: T, weights?: T]

/** One kind of attention as a function of its call; `s` has the names q, k and v of the module that attends. */
export type Attention = <T extends Tensor>(o: Shorthand<T>, call: Attend<T>, s: Frame<T>) => Attended<T>

/** The function that transformers calls for a setting (ALL_ATTENTION_FUNCTIONS), or what is written out in its place for a model type. */
export function attentionOf(train: TrainSpec, library: Library, modelType = ''): Attention {
  const inline = library.attention === 'inline'
  if (train.attention === 'eager') return inline ? inlineEager : eagerAttention
  if (train.attention === 'flash_attention_2') {
    const kernel = train.autocast === 'none' ? train.dtype : train.autocast
    const repeats = library.flashRepeats.has(modelType)
    if (inline) return (o, call, s) => inlineFlash(o, call, s, { kernel, repeats })
    return (o, call) => flashAttention(o, call, kernel, library.flashCast)
  }
  if (inline) return inlineSdpa
  return library.sdpa === 'grouped' ? sdpaAttention : contiguousSdpaAttention
}

/** repeat_kv (modeling_llama.py): `[b, k, s, d] → [b, a, s, d]`, each key head as often as it has queries. */
export function repeatHeads<T extends Tensor>(o: Shorthand<T>, x: T, like: T): T {
  const [b, k, s, d] = [x.axes[0]!, x.axes[1]!, x.axes[2]!, x.axes[3]!]
  const a = like.axes[1]!
  const times = a.size / k.size
  if (times === 1) return x
  const wide = o.expand(o.unsqueeze(x, 2), [b, k, { name: 'a/k', size: times }, s, d])
  return o.reshape(wide, [b, a, s, d])
}

/** Soft-capping (modeling_gemma2.py): divided, bent and multiplied again, each step under the frame's name for `x`. */
export function capped<T extends Tensor>(o: Shorthand<T>, s: Frame<T>, x: T, cap: number): T {
  const scaled = s.set(x, o.divScalar(x, cap))
  const bent = s.set(scaled, o.tanh(scaled))
  return s.set(bent, o.mulScalar(bent, cap))
}

/** The end of an attention module's forward: heads joined to `axes` `[b, t, a·d]`, the output linear; weights keep their name. */
export function joinHeads<T extends Tensor>(
  o: Shorthand<T>,
  s: Frame<T>,
  [attended, weights]: Attended<T>,
  axes: Axes,
  output: Linear,
): readonly T[] {
  let out = s.let(attended)
  if (weights) s.let(weights)
  out = s.set(out, o.contiguous(o.reshape(out, axes)))
  out = s.set(out, linear(o, output, out))
  return weights ? [out, weights] : [out]
}

/** eager_attention_forward (modeling_llama.py, modeling_gemma2.py, modeling_bert.py, modeling_t5.py). */
export function eagerAttention<T extends Tensor>(o: Shorthand<T>, call: Attend<T>): Attended<T> {
  const { q, k, v, mask } = call
  return o.call([q, k, v], (s) => {
    const keys = s.let(repeatHeads(o, k, q))
    const values = s.let(repeatHeads(o, v, q))
    let weights = s.let(o.mulScalar(o.matmul(q, o.transpose(keys, 2, 3)), call.scale))
    if (call.cap) weights = capped(o, s, weights, call.cap)
    if (call.bias) weights = s.set(weights, o.add(weights, call.bias))
    if (mask) weights = s.set(weights, o.add(weights, mask))
    weights = s.set(weights, call.upcast ? o.to(o.softmax(weights, 'float32'), q.dtype) : o.softmax(weights))
    weights = s.set(weights, o.dropout(weights, call.dropout))
    let out = s.let(o.matmul(weights, values))
    out = s.set(out, o.contiguous(o.transpose(out, 1, 2)))
    return [out, weights] as const
  })
}

/** sdpa_attention_forward (integrations/sdpa_attention.py). */
export function sdpaAttention<T extends Tensor>(o: Shorthand<T>, call: Attend<T>): Attended<T> {
  const { q, k, v, mask } = call
  return o.call([q, k, v], (s) => {
    const grouped = mask === null && q.axes[3]!.size <= 256 && q.axes[1]!.size !== k.axes[1]!.size
    const keys = grouped ? k : s.let(repeatHeads(o, k, q))
    const values = grouped ? v : s.let(repeatHeads(o, v, q))
    const out = s.let(
      o.run('sdpa', [q, keys, values, mask], {
        causal: call.causal && mask === null,
        dropout: call.dropout,
        scale: call.scale,
        grouped,
      }),
    )
    return [o.contiguous(o.transpose(out, 1, 2))] as const
  })
}

/** sdpa_attention_forward as transformers 4.48 has it: keys always repeated, every tensor laid out row by row. */
export function contiguousSdpaAttention<T extends Tensor>(o: Shorthand<T>, call: Attend<T>): Attended<T> {
  return o.call([call.q, call.k, call.v], (s) => {
    let k = s.let(repeatHeads(o, call.k, call.q))
    let v = s.let(repeatHeads(o, call.v, call.q))
    const q = s.let(o.contiguous(call.q))
    k = s.set(k, o.contiguous(k))
    v = s.set(v, o.contiguous(v))
    const { mask, dropout, scale } = call
    const causal = call.causal && mask === null
    const out = s.let(o.run('sdpa', [q, k, v, mask], { causal, dropout, scale, grouped: false }))
    return [o.contiguous(o.transpose(out, 1, 2))] as const
  })
}

/**
 * flash_attention_forward (integrations/flash_attention.py): no mask but a padded batch's own, which only the engines' kernel is given, keys as they are, float32 cast to what the kernel takes, which
 * is told by the query or the value. Its test for packed positions makes vectors of 8 bytes a token that are gone before the result
 * is there: never the highest instant.
 */
function flashAttention<T extends Tensor>(
  o: Shorthand<T>,
  call: Attend<T>,
  kernel: DType,
  told: Library['flashCast'],
): Attended<T> {
  return o.call([call.q, call.k, call.v], (s) => {
    const wide = (told === 'query' ? call.q : call.v).dtype === 'float32'
    const turned = (x: T): T => s.let(o.transpose(x, 1, 2))
    const cast = (x: T): T => (wide && kernel !== 'float32' ? s.set(x, o.to(x, kernel)) : x)
    const [q, k, v] = [turned(call.q), turned(call.k), turned(call.v)].map(cast) as [T, T, T]
    if (q.dtype !== v.dtype) throw new Refusal('conflict', '--attention', MIXED, 'Say sdpa, or --dtype bfloat16.')
    const { causal, dropout, scale, window = null, cap = null } = call
    return [o.run('flash_attn', [q, k, v, call.mask], { causal, dropout, scale, window, cap })] as const
  })
}

/** modeling_flash_attention_utils.py, fa_peft_integration_check, of transformers 4 looks at the value alone. */
const MIXED = 'under autocast rotary positions leave q in float32 beside a 16-bit v, which flash-attn does not take'

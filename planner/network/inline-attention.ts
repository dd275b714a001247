import type { Frame, Shorthand, Tensor } from '../ops/ops.ts'
import type { DType } from '../trace/dtype.ts'
import { type Attend, type Attended, repeatHeads } from './attention.ts'

// Attention as transformers wrote it until 4.47: a module's class for each kind, so that q, k and v are names of the module's forward,
// and what they are made into takes their place. `s` is the frame that has those names.

/** LlamaAttention.forward (modeling_llama.py, modeling_mistral.py, modeling_qwen2.py): the weights stay within. */
export function inlineEager<T extends Tensor>(o: Shorthand<T>, call: Attend<T>, s: Frame<T>): Attended<T> {
  const { q, mask } = call
  const [k, v] = repeated(o, call, s)
  let weights = s.let(o.divScalar(o.matmul(q, o.transpose(k, 2, 3)), 1 / call.scale))
  if (mask) weights = s.set(weights, o.add(weights, mask))
  weights = s.set(weights, o.to(o.softmax(weights, 'float32'), q.dtype))
  weights = s.set(weights, o.dropout(weights, call.dropout))
  return [o.contiguous(o.transpose(o.matmul(weights, v), 1, 2))]
}

/** LlamaSdpaAttention.forward, GPT2SdpaAttention.forward: laid out densely only beside a mask of their own, which is refused (mask.ts). */
export function inlineSdpa<T extends Tensor>(o: Shorthand<T>, call: Attend<T>, s: Frame<T>): Attended<T> {
  const [k, v] = repeated(o, call, s)
  const { q, mask, dropout, scale } = call
  const causal = call.causal && mask === null
  const out = o.run('sdpa', [q, k, v, mask], { causal, dropout, scale, grouped: false })
  return [o.contiguous(o.transpose(out, 1, 2))]
}

/** LlamaFlashAttention2.forward, and Mistral's and Qwen2's, which repeat keys and values first (`repeats`). */
export function inlineFlash<T extends Tensor>(
  o: Shorthand<T>,
  call: Attend<T>,
  s: Frame<T>,
  { kernel, repeats }: { readonly kernel: DType; readonly repeats: boolean },
): Attended<T> {
  const wide = call.q.dtype === 'float32' && kernel !== 'float32'
  const [k, v] = repeats ? repeated(o, call, s) : [call.k, call.v]
  const turned = (x: T): T => s.set(x, o.transpose(x, 1, 2))
  const cast = (x: T): T => (wide ? s.set(x, o.to(x, kernel)) : x)
  const { causal, dropout, scale, window = null, cap = null } = call
  return [o.run('flash_attn', [call.q, k, v].map(turned).map(cast), { causal, dropout, scale, window, cap })]
}

/** `key_states = repeat_kv(key_states, …)`, and the values. */
function repeated<T extends Tensor>(o: Shorthand<T>, { q, k, v }: Attend<T>, s: Frame<T>): readonly [T, T] {
  return [s.set(k, repeatHeads(o, k, q)), s.set(v, repeatHeads(o, v, q))]
}

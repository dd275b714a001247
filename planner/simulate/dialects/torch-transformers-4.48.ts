import type { Dialect, Script } from '../dialect.ts'
import { torch } from './torch.ts'

/** What comes after a position, told by comparing with `cache_position`. */
const later = (name: string): Script => ['keys=key', `${name}=allowed`, '-keys']

/** What lies further back than the window. */
export const tooEarly: Script = ['keys=key', 'starts=row', 'early=allowed', '-keys', '-starts']

/** A mask for all sequences of the batch under `name`: `_prepare_4d_causal_attention_mask_with_cache_position`. */
const llama = (name: string): Script => ['full=one', `${name}=one`, '-full', ...later('later'), '-later']
export const mistral = (name: string): Script => [`${name}=one`, ...later('later')]
const sliding = (name: string): Script => [...mistral(name), ...tooEarly]

/** A padded batch's own mask written into a copy for each sequence. */
export const padded = (make: (name: string) => Script, sum = 'sum=result'): Script => [
  ...make('shared'),
  'result=result',
  '-shared',
  sum,
  'padding=whole',
  '-sum',
  'filled=result',
  '-filled',
]

/** cos and sin of the angles, scaled one after the other into these names. */
const scaled = (cos: string, sin: string): Script => [
  'ids=ids',
  'freqs=half',
  'emb=whole',
  'c0=whole',
  's0=whole',
  `${cos}=whole`,
  '-c0',
  `${sin}=whole`,
  '-s0',
]

/** Buckets of T5's relative positions, the queries' being there already. */
export const buckets = (name: 'relative_buckets' | 'relative_buckets.causal'): Script => {
  const script = torch.forward[name]!
  return script.slice(script.indexOf('k=key'))
}

/** PyTorch with the helpers that transformers 4.48 calls on each forward, in their order. */
export const torchTransformers448: Dialect = {
  ...torch,
  forward: {
    ...torch.forward,
    // modeling_llama.py, LlamaModel.forward: cache_position
    positions: ['result=row'],
    // modeling_llama.py, LlamaRotaryEmbedding.forward
    rotary_table: [...scaled('c', 's'), 'cos=cos', 'sin=sin'],
    'rotary_table.float32': scaled('cos', 'sin'),
    causal_mask: llama('result'),
    'causal_mask.padded': padded(llama),
    // modeling_t5.py: the batch's mask of ones is float32, and so is the sum
    'causal_mask.t5_padded': padded(llama, 'sum=result/float32'),
    // compute_bias, from cache_position
    relative_buckets: buckets('relative_buckets'),
    'relative_buckets.causal': buckets('relative_buckets.causal'),
    'causal_mask.mistral': mistral('result'),
    'causal_mask.mistral_padded': padded(mistral),
    'causal_mask.mistral_sliding': sliding('result'),
    'causal_mask.mistral_sliding_padded': padded(sliding),
  },
}

import type { Dialect, Script } from '../dialect.ts'
import { buckets, mistral, padded, tooEarly, torchTransformers448 } from './torch-transformers-4.48.ts'

/** Angles of a layer's own embedding, all names of one function. */
const ANGLES: Script = ['ids=ids', 'freqs=half', 'emb=whole']

/** Ones and zeros of what may be seen, `extended`, in float32. */
const EXTENDED: Script = [
  'ids=query',
  'repeated=whole/int64',
  'seen=whole',
  '-repeated',
  'causal=whole/float32',
  '-seen',
  'extended=whole/float32',
  '-ids',
  '-causal',
]

/** What lies further back than the window goes as soon as it is joined in. */
const sliding = (name: string): Script => [...mistral(name), ...tooEarly, '-early']

/** PyTorch with the helpers that transformers 4.45 calls on each forward, in their order. */
export const torchTransformers445: Dialect = {
  ...torchTransformers448,
  forward: {
    ...torchTransformers448.forward,
    // modeling_mistral.py, MistralRotaryEmbedding.forward
    'rotary_table.unscaled': [...ANGLES, 'c=whole', 's=whole', 'cos=cos', 'sin=sin'],
    'rotary_table.unscaled_float32': [...ANGLES, 'cos=cos', 'sin=sin'],
    // modeling_utils.py, get_extended_attention_mask and create_extended_attention_mask_for_decoder
    'causal_mask.t5_extended_padded': [...EXTENDED, 'cast=result', '-extended', 'inverse=result', 'result=result'],
    'causal_mask.t5_extended_padded_float32': [...EXTENDED, 'inverse=result', 'result=result'],
    // modeling_t5.py, T5Attention.compute_bias
    relative_buckets: ['q=query', ...buckets('relative_buckets')],
    'relative_buckets.causal': ['q=query', ...buckets('relative_buckets.causal')],
    // modeling_mistral.py, _update_causal_mask
    'causal_mask.mistral_sliding': sliding('result'),
    'causal_mask.mistral_sliding_padded': padded(sliding),
  },
}

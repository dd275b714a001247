import { type Adapter, keepLayers } from './adapter.ts'
import { LIKE_HEADS, readKvHeads } from './decoder.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { readPartialRope, sharedHeadDim } from './partial-rope.ts'
import type { Phi3Spec } from './spec.ts'

/** Phi-3 and Phi-4. Defaults: configuration_phi3.py of transformers 5.23. */
export const phi3Adapter: Adapter = {
  classes: { phi3: { Phi3ForCausalLM: { task: 'causal-lm' } } },
  keys: [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'vocab_size',
    'hidden_act',
    'tie_word_embeddings',
    'resid_pdrop',
    'embd_pdrop',
    'attention_dropout',
    'sliding_window',
    'rms_norm_eps',
    'rope_theta',
    'rope_parameters',
    'rope_scaling',
    'partial_rotary_factor',
    'max_position_embeddings',
    'original_max_position_embeddings',
  ],
  read: (fields, common, keep): Phi3Spec => {
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    const headDim = sharedHeadDim(fields, hidden, heads)
    const kvHeads = readKvHeads(fields, LIKE_HEADS, heads)
    const layers = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    const none = { value: 0 }
    const spec: Phi3Spec = {
      ...common,
      family: 'phi3',
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, { value: 8192 }),
      layers: keepLayers(fields, 'layers', layers, keep),
      heads,
      kvHeads,
      headDim,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 32064 }),
      activation: fields.activation('activation', 'hidden_act', 'silu'),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: false }),
      ...readPartialRope(fields, headDim, { theta: 'rope_theta', share: 'partial_rotary_factor', fallback: 1 }),
      slidingWindow: fields.has('sliding_window')
        ? fields.integer('slidingWindow', 'sliding_window', LIMITS.positions)
        : null,
      residualDropout: fields.number('residualDropout', 'resid_pdrop', LIMITS.probability, none),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, none),
      normEps: fields.number('normEps', 'rms_norm_eps', LIMITS.eps, { value: 1e-5 }),
      maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, { value: 4096 }),
    }
    const layer = hidden * headDim * 2 * (heads + kvHeads) + 3 * hidden * spec.intermediate
    const parameters = spec.layers * layer + 2 * spec.vocab * hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

import { type Adapter, keepLayers } from './adapter.ts'
import { LIKE_HEADS, readKvHeads } from './decoder.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { readPartialRope, sharedHeadDim } from './partial-rope.ts'
import type { PhiSpec } from './spec.ts'

/** Phi-1, Phi-1.5 and Phi-2. Defaults: configuration_phi.py of transformers 5.23. */
export const phiAdapter: Adapter = {
  classes: { phi: { PhiForCausalLM: { task: 'causal-lm' } } },
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
    'layer_norm_eps',
    'rope_theta',
    'rope_parameters',
    'rope_scaling',
    'partial_rotary_factor',
    'qk_layernorm',
    'max_position_embeddings',
  ],
  read: (fields, common, keep): PhiSpec => {
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    const headDim = sharedHeadDim(fields, hidden, heads)
    const kvHeads = readKvHeads(fields, LIKE_HEADS, heads)
    if (fields.raw('qk_layernorm') === true) {
      const message = 'queries and keys are normalized'
      fields.fail('unsupported', 'qk_layernorm', message, 'false', 'This variant is not modelled.')
    }
    const layers = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    const none = { value: 0 }
    const spec: PhiSpec = {
      ...common,
      family: 'phi',
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, { value: 8192 }),
      layers: keepLayers(fields, 'layers', layers, keep),
      heads,
      kvHeads,
      headDim,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 51200 }),
      activation: fields.activation('activation', 'hidden_act', 'gelu_new'),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: false }),
      ...readPartialRope(fields, headDim, { theta: 'rope_theta', share: 'partial_rotary_factor', fallback: 0.5 }),
      embeddingDropout: fields.number('embeddingDropout', 'embd_pdrop', LIMITS.probability, none),
      residualDropout: fields.number('residualDropout', 'resid_pdrop', LIMITS.probability, none),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, none),
      normEps: fields.number('normEps', 'layer_norm_eps', LIMITS.eps, { value: 1e-5 }),
      maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, { value: 2048 }),
    }
    const layer = hidden * headDim * 2 * (heads + kvHeads) + 2 * hidden * spec.intermediate
    const parameters = spec.layers * layer + 2 * spec.vocab * hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

import { type Adapter, keepLayers } from './adapter.ts'
import { checkParameters, readKvHeads } from './decoder.ts'
import { LIMITS } from './limits.ts'
import { readPartialRope, sharedHeadDim } from './partial-rope.ts'
import type { StableLmSpec } from './spec.ts'

/** StableLM. Defaults: configuration_stablelm.py of transformers 5.23. */
export const stableLmAdapter: Adapter = {
  classes: {
    stablelm: {
      StableLmForCausalLM: { task: 'causal-lm' },
      // the class of the files that came with the first models
      StableLMEpochForCausalLM: { task: 'causal-lm', takenAs: 'StableLmForCausalLM' },
    },
  },
  keys: [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'vocab_size',
    'hidden_act',
    'tie_word_embeddings',
    'use_qkv_bias',
    'qk_layernorm',
    'use_parallel_residual',
    'hidden_dropout',
    'attention_dropout',
    'layer_norm_eps',
    'rope_theta',
    'rope_parameters',
    'rope_scaling',
    'partial_rotary_factor',
    'max_position_embeddings',
  ],
  read: (fields, common, keep): StableLmSpec => {
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    const headDim = sharedHeadDim(fields, hidden, heads)
    const layers = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    if (fields.raw('qk_layernorm') === true) {
      const message = 'queries and keys are normalized by a norm a head'
      fields.fail('unsupported', 'qk_layernorm', message, 'false', 'This variant is not modelled.')
    }
    const none = { value: 0 }
    const spec: StableLmSpec = {
      ...common,
      family: 'stablelm',
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, { value: 6912 }),
      layers: keepLayers(fields, 'layers', layers, keep),
      heads,
      kvHeads: readKvHeads(fields, { kvHeads: 32, hiddenDivisible: true }, heads),
      headDim,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 50304 }),
      activation: fields.activation('activation', 'hidden_act', 'silu'),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: false }),
      ...readPartialRope(fields, headDim, { theta: 'rope_theta', share: 'partial_rotary_factor', fallback: 0.25 }),
      qkvBias: fields.boolean('qkvBias', 'use_qkv_bias', { value: false }),
      parallelResidual: fields.boolean('parallelResidual', 'use_parallel_residual', { value: false }),
      hiddenDropout: fields.number('hiddenDropout', 'hidden_dropout', LIMITS.probability, none),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, none),
      normEps: fields.number('normEps', 'layer_norm_eps', LIMITS.eps, { value: 1e-5 }),
      maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, { value: 4096 }),
    }
    checkParameters(fields, spec)
    return spec
  },
}

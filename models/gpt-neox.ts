import { type Adapter, keepLayers } from './adapter.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { readPartialRope, sharedHeadDim } from './partial-rope.ts'
import type { GptNeoXSpec } from './spec.ts'

/** GPT-NeoX and Pythia. Defaults: configuration_gpt_neox.py of transformers 5.23. */
export const gptNeoXAdapter: Adapter = {
  classes: { gpt_neox: { GPTNeoXForCausalLM: { task: 'causal-lm' } } },
  keys: [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'vocab_size',
    'hidden_act',
    'tie_word_embeddings',
    'attention_bias',
    'attention_dropout',
    'hidden_dropout',
    'use_parallel_residual',
    'layer_norm_eps',
    'rotary_pct',
    'rotary_emb_base',
    'rope_parameters',
    'rope_scaling',
    'max_position_embeddings',
  ],
  read: (fields, common, keep): GptNeoXSpec => {
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    const headDim = sharedHeadDim(fields, hidden, heads)
    const layers = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    const none = { value: 0 }
    const spec: GptNeoXSpec = {
      ...common,
      family: 'gpt_neox',
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, { value: 24576 }),
      layers: keepLayers(fields, 'layers', layers, keep),
      heads,
      headDim,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 50432 }),
      activation: fields.activation('activation', 'hidden_act', 'gelu'),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: false }),
      attentionBias: fields.boolean('attentionBias', 'attention_bias', { value: true }),
      parallelResidual: fields.boolean('parallelResidual', 'use_parallel_residual', { value: true }),
      ...readPartialRope(fields, headDim, { theta: 'rotary_emb_base', share: 'rotary_pct', fallback: 0.25 }),
      hiddenDropout: fields.number('hiddenDropout', 'hidden_dropout', LIMITS.probability, none),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, none),
      normEps: fields.number('normEps', 'layer_norm_eps', LIMITS.eps, { value: 1e-5 }),
      maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, { value: 2048 }),
    }
    const parameters = spec.layers * hidden * (4 * hidden + 2 * spec.intermediate) + 2 * spec.vocab * hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

import { type Adapter, keepLayers } from './adapter.ts'
import type { Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { sharedHeadDim } from './partial-rope.ts'
import type { Gpt2Spec } from './spec.ts'

/** GPT-2. Defaults: configuration_gpt2.py of transformers 5.23. */
export const gpt2Adapter: Adapter = {
  classes: {
    gpt2: {
      GPT2LMHeadModel: { task: 'causal-lm' },
      GPT2Model: { task: 'causal-lm', takenAs: 'GPT2LMHeadModel' },
    },
  },
  keys: [
    'n_embd',
    'n_layer',
    'n_head',
    'n_inner',
    'n_positions',
    'vocab_size',
    'activation_function',
    'resid_pdrop',
    'embd_pdrop',
    'attn_pdrop',
    'layer_norm_epsilon',
    'tie_word_embeddings',
    'scale_attn_weights',
    'scale_attn_by_inverse_layer_idx',
    'reorder_and_upcast_attn',
    'add_cross_attention',
  ],
  read: (fields, common, keep): Gpt2Spec => {
    refuseOtherPrograms(fields)
    const hidden = fields.integer('hidden', 'n_embd', LIMITS.hidden)
    const heads = fields.integer('heads', 'n_head', LIMITS.heads)
    sharedHeadDim(fields, hidden, heads)
    const layers = fields.integer('layers', 'n_layer', LIMITS.layers)
    const positions = fields.integer('positions', 'n_positions', LIMITS.positions, { value: 1024 })
    fields.note('maxPositions', fields.has('n_positions') ? 'config' : 'default', 'n_positions')
    const dropout = { value: 0.1 }
    const spec: Gpt2Spec = {
      ...common,
      family: 'gpt2',
      hidden,
      intermediate: fields.integer('intermediate', 'n_inner', LIMITS.intermediate, {
        value: 4 * hidden,
        from: '4 × n_embd',
      }),
      layers: keepLayers(fields, 'layers', layers, keep),
      heads,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 50257 }),
      positions,
      activation: fields.activation('activation', 'activation_function', 'gelu_new'),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: true }),
      embeddingDropout: fields.number('embeddingDropout', 'embd_pdrop', LIMITS.probability, dropout),
      attentionDropout: fields.number('attentionDropout', 'attn_pdrop', LIMITS.probability, dropout),
      residualDropout: fields.number('residualDropout', 'resid_pdrop', LIMITS.probability, dropout),
      normEps: fields.number('normEps', 'layer_norm_epsilon', LIMITS.eps, { value: 1e-5 }),
      scaled: fields.boolean('scaled', 'scale_attn_weights', { value: true }),
      scaledByLayer: fields.boolean('scaledByLayer', 'scale_attn_by_inverse_layer_idx', { value: false }),
      maxPositions: positions,
    }
    const parameters = spec.layers * hidden * (4 * hidden + 2 * spec.intermediate) + (spec.vocab + positions) * hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

/** Settings under which the same config class runs another program. */
function refuseOtherPrograms(fields: Fields): void {
  for (const key of ['add_cross_attention', 'reorder_and_upcast_attn']) {
    if (fields.raw(key) === true) fields.fail('unsupported', key, 'is true', 'false', 'This variant is not modelled.')
  }
}

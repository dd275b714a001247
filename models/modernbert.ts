import { type Adapter, keepLayers } from './adapter.ts'
import { classifierOf, readLabels, refuseOtherLosses } from './classifier.ts'
import { readBases, readKinds } from './layer-kinds.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { sharedHeadDim } from './partial-rope.ts'
import type { ModernBertSpec } from './spec.ts'

const POOLINGS = { cls: 'cls', mean: 'mean' } as const

/** ModernBERT. Defaults: configuration_modernbert.py of transformers 5.23. */
export const modernBertAdapter: Adapter = {
  classes: { modernbert: classifierOf('ModernBert', ['ModernBertForMaskedLM', 'ModernBertModel']) },
  keys: [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'vocab_size',
    'max_position_embeddings',
    'id2label',
    'num_labels',
    'hidden_activation',
    'norm_eps',
    'norm_bias',
    'attention_bias',
    'attention_dropout',
    'embedding_dropout',
    'mlp_bias',
    'mlp_dropout',
    'layer_types',
    'local_attention',
    // what the config class makes of it
    'sliding_window',
    'global_attn_every_n_layers',
    'global_rope_theta',
    'local_rope_theta',
    'rope_parameters',
    'classifier_pooling',
    'classifier_dropout',
    'classifier_bias',
    'classifier_activation',
  ],
  read: (fields, common, keep): ModernBertSpec => {
    refuseOtherLosses(fields)
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    const headDim = sharedHeadDim(fields, hidden, heads)
    if (fields.valid('hidden', 'heads') && headDim % 2 !== 0) {
      const expected = 'an even width: rotary positions turn pairs'
      fields.fail('indivisible', 'hidden_size', `makes heads of ${headDim}`, expected, 'Correct it.')
    }
    const published = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    const every = fields.integer('kinds', 'global_attn_every_n_layers', LIMITS.layers, { value: 3 })
    const local = fields.integer('slidingWindow', 'local_attention', LIMITS.positions, { value: 128 })
    const dropout = (field: string, key: string): number => fields.number(field, key, LIMITS.probability, { value: 0 })
    const bias = (field: string, key: string): boolean => fields.boolean(field, key, { value: false })
    const spec: ModernBertSpec = {
      ...common,
      family: 'modernbert',
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, { value: 1152 }),
      layers: keepLayers(fields, 'layers', published, keep),
      heads,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 50368 }),
      labels: readLabels(fields),
      activation: fields.activation('activation', 'hidden_activation', 'gelu'),
      normEps: fields.number('normEps', 'norm_eps', LIMITS.eps, { value: 1e-5 }),
      normBias: bias('normBias', 'norm_bias'),
      attentionBias: bias('attentionBias', 'attention_bias'),
      mlpBias: bias('mlpBias', 'mlp_bias'),
      attentionDropout: dropout('attentionDropout', 'attention_dropout'),
      embeddingDropout: dropout('embeddingDropout', 'embedding_dropout'),
      mlpDropout: dropout('mlpDropout', 'mlp_dropout'),
      slidingWindow: Math.floor(local / 2),
      kinds: readKinds(fields, published, (i) => i % every !== 0),
      ...readBases(fields, ['global_rope_theta', 160_000], ['local_rope_theta', 10_000]),
      pooling: fields.choice('pooling', 'classifier_pooling', POOLINGS, { value: 'cls' }),
      classifierDropout: dropout('classifierDropout', 'classifier_dropout'),
      classifierBias: bias('classifierBias', 'classifier_bias'),
      classifierActivation: fields.activation('classifierActivation', 'classifier_activation', 'gelu'),
      maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, { value: 8192 }),
    }
    const parameters = spec.layers * hidden * (4 * hidden + 3 * spec.intermediate) + spec.vocab * hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

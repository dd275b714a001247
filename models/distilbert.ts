import { type Adapter, keepLayers } from './adapter.ts'
import { classifierOf, readLabels, refuseOtherLosses, refuseUnlessWhole } from './classifier.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import type { DistilBertSpec } from './spec.ts'

/**
 * DistilBERT. Defaults and second names of keys: configuration_distilbert.py of transformers 5.23. `sinusoidal_pos_embds` only says how
 * the positions start.
 */
export const distilBertAdapter: Adapter = {
  classes: { distilbert: classifierOf('DistilBert', ['DistilBertForMaskedLM', 'DistilBertModel']) },
  keys: [
    'dim',
    'hidden_dim',
    'n_layers',
    'n_heads',
    'vocab_size',
    'max_position_embeddings',
    'id2label',
    'num_labels',
    'activation',
    'dropout',
    'attention_dropout',
    'seq_classif_dropout',
  ],
  read: (fields, common, keep): DistilBertSpec => {
    refuseUnlessWhole(fields)
    refuseOtherLosses(fields)
    const width = fields.first('dim', 'hidden_size')
    const hidden = fields.integer('hidden', width, LIMITS.hidden)
    const heads = fields.integer('heads', fields.first('n_heads', 'num_attention_heads'), LIMITS.heads)
    if (fields.valid('hidden', 'heads') && hidden % heads !== 0) {
      const expected = `${width} a multiple of the number of heads`
      fields.fail('indivisible', width, `is ${hidden}, with ${heads} heads`, expected, 'Correct one of the two.')
    }
    const published = fields.integer('layers', fields.first('n_layers', 'num_hidden_layers'), LIMITS.layers)
    const positions = fields.integer('positions', 'max_position_embeddings', LIMITS.positions, { value: 512 })
    const [origin, dropout] = [fields.provenance.positions, { value: 0.1 }]
    if (origin) fields.note('maxPositions', origin.source, origin.key)
    const spec: DistilBertSpec = {
      ...common,
      family: 'distilbert',
      hidden,
      intermediate: fields.integer('intermediate', 'hidden_dim', LIMITS.intermediate, { value: 3072 }),
      layers: keepLayers(fields, 'layers', published, keep),
      heads,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 30522 }),
      positions,
      labels: readLabels(fields),
      activation: fields.activation('activation', 'activation', 'gelu'),
      dropout: fields.number('dropout', 'dropout', LIMITS.probability, dropout),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, dropout),
      classifierDropout: fields.number('classifierDropout', 'seq_classif_dropout', LIMITS.probability, { value: 0.2 }),
      maxPositions: positions,
    }
    const parameters = spec.layers * spec.hidden * (4 * spec.hidden + 2 * spec.intermediate) + spec.vocab * spec.hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

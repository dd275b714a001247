import { type Adapter, keepLayers } from './adapter.ts'
import { classifierOf, readLabels, refuseOtherLosses, refuseUnlessWhole } from './classifier.ts'
import type { Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import type { BertSpec } from './spec.ts'

/** BERT and RoBERTa. Defaults: configuration_bert.py and configuration_roberta.py of transformers 5.23. */
export const bertAdapter: Adapter = {
  classes: {
    bert: classifierOf('Bert', ['BertForMaskedLM', 'BertForPreTraining', 'BertModel']),
    roberta: classifierOf('Roberta', ['RobertaForMaskedLM', 'RobertaModel']),
  },
  keys: [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'vocab_size',
    'max_position_embeddings',
    'type_vocab_size',
    'id2label',
    'num_labels',
    'hidden_act',
    'hidden_dropout_prob',
    'attention_probs_dropout_prob',
    'classifier_dropout',
    'layer_norm_eps',
    'pad_token_id',
  ],
  read: (fields, common, keep): BertSpec => {
    const variant = common.modelType === 'roberta' ? 'roberta' : 'bert'
    fields.noteKey('variant', fields.has('model_type') ? 'model_type' : 'architectures')
    refuseOtherPrograms(fields)
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    if (fields.valid('hidden', 'heads') && hidden % heads !== 0) {
      const expected = 'hidden_size a multiple of num_attention_heads'
      fields.fail(
        'indivisible',
        'hidden_size',
        `is ${hidden}, with ${heads} heads`,
        expected,
        'Correct one of the two.',
      )
    }
    const published = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    const positions = fields.integer('positions', 'max_position_embeddings', LIMITS.positions, { value: 512 })
    const padTokenId = fields.integer('padTokenId', 'pad_token_id', LIMITS.tokenId, {
      value: variant === 'roberta' ? 1 : 0,
    })
    const dropout = { value: 0.1 }
    const hiddenDropout = fields.number('hiddenDropout', 'hidden_dropout_prob', LIMITS.probability, dropout)
    const spec: BertSpec = {
      ...common,
      family: 'bert',
      variant,
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, { value: 3072 }),
      layers: keepLayers(fields, 'layers', published, keep),
      heads,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: variant === 'roberta' ? 50265 : 30522 }),
      positions,
      tokenTypes: fields.integer('tokenTypes', 'type_vocab_size', LIMITS.tokenTypes, { value: 2 }),
      labels: readLabels(fields),
      activation: fields.activation('activation', 'hidden_act', 'gelu'),
      hiddenDropout,
      attentionDropout: fields.number('attentionDropout', 'attention_probs_dropout_prob', LIMITS.probability, dropout),
      classifierDropout: fields.number('classifierDropout', 'classifier_dropout', LIMITS.probability, {
        value: hiddenDropout,
        from: 'hidden_dropout_prob',
      }),
      normEps: fields.number('normEps', 'layer_norm_eps', LIMITS.eps, { value: 1e-12 }),
      padTokenId,
      maxPositions: maxPositions(fields, variant, positions, padTokenId),
    }
    const parameters = spec.layers * spec.hidden * (4 * spec.hidden + 2 * spec.intermediate) + spec.vocab * spec.hidden
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

/** RoBERTa numbers its first token `pad_token_id + 1` (`create_position_ids_from_input_ids`), which costs rows. */
function maxPositions(fields: Fields, variant: 'bert' | 'roberta', positions: number, padTokenId: number): number {
  fields.noteKey('maxPositions', 'max_position_embeddings')
  if (!fields.has('max_position_embeddings')) fields.note('maxPositions', 'default', 'max_position_embeddings')
  if (variant === 'bert') return positions
  const usable = positions - padTokenId - 1
  if (usable < 1 && fields.valid('positions', 'padTokenId')) {
    const expected = 'more positions than pad_token_id + 1, from which RoBERTa counts'
    fields.fail('out-of-range', 'max_position_embeddings', `is ${positions}`, expected, 'Correct one of the two.')
  }
  return Math.max(1, usable)
}

/** Settings under which the same config class runs another program. */
function refuseOtherPrograms(fields: Fields): void {
  const next = 'This variant is not modelled.'
  for (const key of ['is_decoder', 'add_cross_attention']) {
    if (fields.raw(key) === true) fields.fail('unsupported', key, 'is true', 'false: an encoder', next)
  }
  const encoding = fields.raw('position_embedding_type')
  if (encoding !== undefined && encoding !== null && encoding !== 'absolute') {
    fields.fail('unsupported', 'position_embedding_type', 'is not absolute', 'absolute', next)
  }
  refuseUnlessWhole(fields)
  refuseOtherLosses(fields)
}

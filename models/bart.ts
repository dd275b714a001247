import { type Adapter, keepLayers } from './adapter.ts'
import type { Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { describeValue } from './source.ts'
import type { BartSpec } from './spec.ts'

/** BART. Defaults and second names of keys: configuration_bart.py of transformers 5.23. */
export const bartAdapter: Adapter = {
  classes: {
    bart: {
      BartForConditionalGeneration: { task: 'seq2seq-lm' },
      // what the base checkpoints name: fine-tuning puts the head over the vocabulary on them
      BartModel: { task: 'seq2seq-lm', takenAs: 'BartForConditionalGeneration' },
    },
  },
  keys: [
    'vocab_size',
    'd_model',
    'encoder_ffn_dim',
    'decoder_ffn_dim',
    'encoder_layers',
    'decoder_layers',
    'encoder_attention_heads',
    'decoder_attention_heads',
    'max_position_embeddings',
    'activation_function',
    'dropout',
    'attention_dropout',
    'activation_dropout',
    'scale_embedding',
    'encoder_layerdrop',
    'decoder_layerdrop',
    'tie_word_embeddings',
    'decoder_start_token_id',
    'pad_token_id',
  ],
  read: (fields, common, keep): BartSpec => {
    refuseOtherPrograms(fields)
    const layers = fields.integer('layers', fields.first('encoder_layers', 'num_hidden_layers'), LIMITS.layers)
    const decoderLayers = fields.integer('decoderLayers', 'decoder_layers', LIMITS.layers, { value: 12 })
    const deepest = Math.max(layers, decoderLayers)
    const positions = fields.integer('positions', 'max_position_embeddings', LIMITS.positions, { value: 1024 })
    const [origin, none, width] = [fields.provenance.positions, { value: 0 }, { value: 4096 }]
    if (origin) fields.note('maxPositions', origin.source, origin.key)
    const spec: BartSpec = {
      ...common,
      family: 'bart',
      hidden: fields.integer('hidden', fields.first('d_model', 'hidden_size'), LIMITS.hidden),
      intermediate: fields.integer('intermediate', 'encoder_ffn_dim', LIMITS.intermediate, width),
      decoderIntermediate: fields.integer('decoderIntermediate', 'decoder_ffn_dim', LIMITS.intermediate, width),
      layers: keepLayers(fields, 'layers', layers, keep, deepest),
      decoderLayers: keepLayers(fields, 'decoderLayers', decoderLayers, keep, deepest),
      heads: fields.integer('heads', fields.first('encoder_attention_heads', 'num_attention_heads'), LIMITS.heads),
      decoderHeads: fields.integer('decoderHeads', 'decoder_attention_heads', LIMITS.heads, { value: 16 }),
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 50265 }),
      positions,
      activation: fields.activation('activation', 'activation_function', 'gelu'),
      dropout: fields.number('dropout', 'dropout', LIMITS.probability, { value: 0.1 }),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, none),
      activationDropout: fields.number('activationDropout', 'activation_dropout', LIMITS.probability, none),
      scaleEmbedding: fields.boolean('scaleEmbedding', 'scale_embedding', { value: false }),
      decoderStartTokenId: fields.integer('decoderStartTokenId', 'decoder_start_token_id', LIMITS.tokenId, {
        value: 2,
      }),
      padTokenId: fields.integer('padTokenId', 'pad_token_id', LIMITS.tokenId, { value: 1 }),
      maxPositions: positions,
    }
    checkHeads(fields, spec)
    checkParameters(fields, spec)
    return spec
  },
}

function checkHeads(fields: Fields, { hidden, heads, decoderHeads }: BartSpec): void {
  const width = fields.first('d_model', 'hidden_size')
  for (const [field, count] of [
    ['heads', heads],
    ['decoderHeads', decoderHeads],
  ] as const) {
    if (!fields.valid('hidden', field) || hidden % count === 0) continue
    const expected = `${width} a multiple of the number of heads`
    fields.fail('indivisible', width, `is ${hidden}, with ${count} heads`, expected, 'Correct one of the two.')
  }
}

/** Settings under which the same config class runs another program. */
function refuseOtherPrograms(fields: Fields): void {
  const next = 'This variant is not modelled.'
  for (const key of ['encoder_layerdrop', 'decoder_layerdrop']) {
    const value = fields.raw(key)
    if (value === undefined || value === null || value === 0) continue
    fields.fail('unsupported', key, `is ${describeValue(value)}: a layer runs or not by chance`, '0', next)
  }
  if (fields.raw('tie_word_embeddings') === false) {
    fields.fail('unsupported', 'tie_word_embeddings', 'is false', 'true: one table of words', next)
  }
}

function checkParameters(fields: Fields, spec: BartSpec): void {
  const { hidden, layers, decoderLayers, intermediate, decoderIntermediate } = spec
  const encoder = layers * (4 * hidden + 2 * intermediate)
  const decoder = decoderLayers * (8 * hidden + 2 * decoderIntermediate)
  const parameters = hidden * (encoder + decoder + spec.vocab + 2 * spec.positions)
  if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
}

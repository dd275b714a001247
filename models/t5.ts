import { type Adapter, keepLayers } from './adapter.ts'
import { ACTIVATIONS, type Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters, UNLIMITED_POSITIONS } from './limits.ts'
import { describeValue } from './source.ts'
import type { Activation, T5Spec } from './spec.ts'

/** T5 v1.0, v1.1 and Flan. Defaults: configuration_t5.py of transformers 5.23. */
export const t5Adapter: Adapter = {
  classes: {
    t5: {
      T5ForConditionalGeneration: { task: 'seq2seq-lm' },
      // the name before transformers 3, still in some published files
      T5WithLMHeadModel: { task: 'seq2seq-lm', takenAs: 'T5ForConditionalGeneration' },
    },
  },
  keys: [
    'vocab_size',
    'd_model',
    'd_kv',
    'd_ff',
    'num_layers',
    'num_decoder_layers',
    'num_heads',
    'relative_attention_num_buckets',
    'relative_attention_max_distance',
    'dropout_rate',
    'layer_norm_epsilon',
    'feed_forward_proj',
    'tie_word_embeddings',
    'scale_decoder_outputs',
    'decoder_start_token_id',
    'pad_token_id',
  ],
  read: (fields, common, keep): T5Spec => {
    const layers = fields.integer('layers', 'num_layers', LIMITS.layers)
    const decoderLayers = fields.integer('decoderLayers', 'num_decoder_layers', LIMITS.layers, {
      value: layers,
      from: 'num_layers',
    })
    const deepest = Math.max(layers, decoderLayers)
    const buckets = { value: 32 }
    const relativeBuckets = fields.integer('relativeBuckets', 'relative_attention_num_buckets', LIMITS.buckets, buckets)
    const padTokenId = fields.integer('padTokenId', 'pad_token_id', LIMITS.tokenId, { value: 0 })
    fields.note('maxPositions', 'default', 'relative positions set no limit')
    const tied = fields.boolean('tied', 'tie_word_embeddings', { value: true })
    const spec: T5Spec = {
      ...common,
      family: 't5',
      hidden: fields.integer('hidden', 'd_model', LIMITS.hidden),
      intermediate: fields.integer('intermediate', 'd_ff', LIMITS.intermediate, { value: 2048 }),
      layers: keepLayers(fields, 'layers', layers, keep, deepest),
      decoderLayers: keepLayers(fields, 'decoderLayers', decoderLayers, keep, deepest),
      heads: fields.integer('heads', 'num_heads', LIMITS.heads),
      headDim: fields.integer('headDim', 'd_kv', LIMITS.headDim, { value: 64 }),
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 32128 }),
      ...readFeedForward(fields),
      relativeBuckets,
      relativeMaxDistance: fields.integer('relativeMaxDistance', 'relative_attention_max_distance', LIMITS.positions, {
        value: 128,
      }),
      dropout: fields.number('dropout', 'dropout_rate', LIMITS.probability, { value: 0.1 }),
      normEps: fields.number('normEps', 'layer_norm_epsilon', LIMITS.eps, { value: 1e-6 }),
      tied,
      // transformers 5 ties always and writes so: what it writes of v1.1 is told apart by this key alone (configuration_t5.py)
      scaled: fields.boolean('scaled', 'scale_decoder_outputs', { value: tied, from: 'tie_word_embeddings' }),
      // transformers refuses to shift labels without it; "in T5 it is usually set to the pad_token_id"
      decoderStartTokenId: fields.integer('decoderStartTokenId', 'decoder_start_token_id', LIMITS.tokenId, {
        value: padTokenId,
        from: 'pad_token_id',
      }),
      padTokenId,
      maxPositions: UNLIMITED_POSITIONS,
    }
    checkParameters(fields, spec)
    return spec
  },
}

/** `relu`, `gated-gelu`, or generally `{act}` and `gated-{act}`; `gated-gelu` means gelu_new, for compatibility. */
function readFeedForward(fields: Fields): { activation: Activation; gated: boolean } {
  const key = 'feed_forward_proj'
  const choices: Record<string, { activation: Activation; gated: boolean }> = {}
  for (const [name, activation] of Object.entries(ACTIVATIONS)) {
    choices[name] = { activation, gated: false }
    choices[`gated-${name}`] = { activation: name === 'gelu' ? 'gelu_new' : activation, gated: true }
  }
  const read = fields.choice('activation', key, choices, { value: { activation: 'relu', gated: false } })
  const origin = fields.provenance.activation
  if (origin !== undefined) fields.note('gated', origin.source, origin.key)
  if (fields.has('is_gated_act') && fields.raw('is_gated_act') !== read.gated && fields.valid('activation')) {
    // transformers works it out from feed_forward_proj and ignores the key; a file that says otherwise is no T5's
    const message = `is ${describeValue(fields.raw('is_gated_act'))}`
    fields.fail(
      'conflict',
      'is_gated_act',
      message,
      `${read.gated}, as feed_forward_proj says`,
      'Correct one of the two.',
    )
  }
  return read
}

function checkParameters(fields: Fields, spec: T5Spec): void {
  const attention = 4 * spec.hidden * spec.heads * spec.headDim
  const feedForward = (spec.gated ? 3 : 2) * spec.hidden * spec.intermediate
  const encoder = spec.layers * (attention + feedForward)
  const decoder = spec.decoderLayers * (2 * attention + feedForward)
  const parameters = encoder + decoder + 2 * spec.vocab * spec.hidden
  if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
}

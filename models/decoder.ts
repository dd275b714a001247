import { type Common, keepLayers } from './adapter.ts'
import type { Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import type { Activation, GroupedDecoderSpec } from './spec.ts'

/** How a config class shares the hidden size out among heads. */
export interface HeadDefaults {
  /** Key/value heads when the key is missing; undefined takes as many as there are heads. */
  readonly kvHeads: number | undefined
  /** The config class refuses a hidden size that the heads do not divide, even with a `head_dim`. */
  readonly hiddenDivisible: boolean
  /** Head width when the key is missing; most share the hidden size out. */
  readonly headDim?: number
}

/** As many key/value heads as heads where the key is missing. */
export const LIKE_HEADS: HeadDefaults = { kvHeads: undefined, hiddenDivisible: true }

/** What a config class of a decoder takes for keys that are missing, and its spelling of one. */
export interface DecoderDefaults extends HeadDefaults {
  readonly intermediate: number
  readonly vocab: number
  readonly activationKey: 'hidden_act' | 'hidden_activation'
  readonly activation: Activation
  readonly tied: boolean
  readonly normEps: number
  readonly ropeTheta: number
  readonly maxPositions: number
}

/** Keys that `readDecoder` looks at, but for the activation's. */
export const DECODER_KEYS: readonly string[] = [
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'vocab_size',
  'tie_word_embeddings',
  'attention_bias',
  'attention_dropout',
  'rms_norm_eps',
  'rope_theta',
  'rope_parameters',
  'rope_scaling',
  'max_position_embeddings',
]

/** What decoders with RMS norms, grouped keys and a gated MLP have in common; `published` is their number of layers before the cut. */
export function readDecoder(
  fields: Fields,
  common: Common,
  keep: number | undefined,
  defaults: DecoderDefaults,
): { readonly published: number; readonly decoder: GroupedDecoderSpec } {
  const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
  const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
  const published = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
  const headDim = readHeadDim(fields, defaults, hidden, heads)
  const decoder: GroupedDecoderSpec = {
    ...common,
    hidden,
    intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, {
      value: defaults.intermediate,
    }),
    layers: keepLayers(fields, 'layers', published, keep),
    heads,
    kvHeads: readKvHeads(fields, defaults, heads),
    headDim,
    vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: defaults.vocab }),
    activation: fields.activation('activation', defaults.activationKey, defaults.activation),
    tied: fields.boolean('tied', 'tie_word_embeddings', { value: defaults.tied }),
    attentionBias: fields.boolean('attentionBias', 'attention_bias', { value: false }),
    normEps: fields.number('normEps', 'rms_norm_eps', LIMITS.eps, { value: defaults.normEps }),
    rotaryWidth: headDim,
    ...readRope(fields, defaults.ropeTheta),
    attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, { value: 0 }),
    maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, {
      value: defaults.maxPositions,
    }),
  }
  checkParameters(fields, decoder)
  return { published, decoder }
}

/** Frequency scalings that leave every shape as it is. */
const ROPE_TYPES = { default: 'default', linear: 'linear', dynamic: 'dynamic', llama3: 'llama3', yarn: 'yarn' }

export function readKvHeads(fields: Fields, variant: HeadDefaults, heads: number): number {
  // a null means "as many as heads" in all three config classes, a missing key means it in LLaMA's only
  const likeHeads = variant.kvHeads === undefined || fields.raw('num_key_value_heads') === null
  const fallback = likeHeads ? { value: heads, from: 'num_attention_heads' } : { value: variant.kvHeads ?? heads }
  const kvHeads = fields.integer('kvHeads', 'num_key_value_heads', LIMITS.heads, fallback)
  if (fields.valid('kvHeads', 'heads') && heads % kvHeads !== 0) {
    const key = fields.has('num_key_value_heads') ? 'num_key_value_heads' : 'num_attention_heads'
    const message = `${heads} attention heads cannot be shared by ${kvHeads} key/value heads`
    const next = 'Correct num_attention_heads or num_key_value_heads.'
    fields.fail('indivisible', key, message, 'num_attention_heads a multiple of num_key_value_heads', next)
  }
  return kvHeads
}

export function readHeadDim(fields: Fields, variant: HeadDefaults, hidden: number, heads: number): number {
  const given = fields.has('head_dim') || variant.headDim !== undefined
  if (fields.valid('hidden', 'heads') && hidden % heads !== 0 && (variant.hiddenDivisible || !given)) {
    const expected = 'hidden_size a multiple of num_attention_heads'
    const next = variant.hiddenDivisible ? 'Correct one of the two.' : 'Correct one of the two, or give head_dim.'
    fields.fail('indivisible', 'hidden_size', `is ${hidden}, with ${heads} heads`, expected, next)
    return 2
  }
  const shared = { value: Math.floor(hidden / heads), from: 'hidden_size / num_attention_heads' }
  const fallback = variant.headDim === undefined ? shared : { value: variant.headDim }
  const headDim = fields.integer('headDim', 'head_dim', LIMITS.headDim, fallback)
  if (fields.valid('hidden', 'heads', 'headDim') && headDim % 2 !== 0) {
    const message = `the head width is ${headDim}`
    const next = 'Correct head_dim, hidden_size or num_attention_heads.'
    fields.fail(
      'indivisible',
      given ? 'head_dim' : 'hidden_size',
      message,
      'an even width: rotary positions turn pairs',
      next,
    )
  }
  return headDim
}

/** Both spellings: `rope_theta` beside `rope_scaling`, and since transformers 5 both inside `rope_parameters`. */
export function readRope(fields: Fields, theta = 10_000): { ropeTheta: number; ropeType: string } {
  // the order of modeling_rope_utils.py: a non-empty rope_scaling wins, and what stands inside wins over rope_theta
  const inside = fields.nested(fields.first('rope_scaling', 'rope_parameters'))
  const holder = inside.has('rope_theta') ? inside : fields
  const ropeTheta = holder.number('ropeTheta', 'rope_theta', LIMITS.ropeTheta, { value: theta })
  const ropeType = inside.choice('ropeType', inside.first('rope_type', 'type'), ROPE_TYPES, { value: 'default' })
  const turned = inside.has('partial_rotary_factor') ? inside : fields
  if (turned.has('partial_rotary_factor') && turned.raw('partial_rotary_factor') !== 1) {
    const message = 'only a part of each head is rotated'
    const next = 'This is not modelled: remove the key to model full rotation.'
    turned.fail('unsupported', 'partial_rotary_factor', message, 'no partial_rotary_factor, or 1', next)
  }
  return { ropeTheta, ropeType }
}

/** Refuses sizes whose bytes would leave the exact integers. */
export function checkParameters(
  fields: Fields,
  spec: Pick<
    GroupedDecoderSpec,
    'name' | 'hidden' | 'headDim' | 'heads' | 'kvHeads' | 'intermediate' | 'layers' | 'vocab'
  >,
): void {
  const attention = spec.hidden * spec.headDim * 2 * (spec.heads + spec.kvHeads)
  const layer = attention + 3 * spec.hidden * spec.intermediate
  const parameters = spec.layers * layer + 2 * spec.vocab * spec.hidden
  if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
}

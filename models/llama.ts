import { type Adapter, keepLayers } from './adapter.ts'
import type { Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import type { Activation, LlamaSpec } from './spec.ts'

/** What differs between the model types that share LLaMA's modeling code. */
interface Variant {
  readonly intermediate: number
  readonly vocab: number
  /** Key/value heads when the key is missing; LLaMA takes as many as there are heads. */
  readonly kvHeads: number | undefined
  readonly maxPositions: number
  /** Key/value biases: a constant of the modeling file, or the config's `attention_bias`. */
  readonly qkvBias: boolean | 'attention_bias'
  /** `mlp_bias` is read. */
  readonly mlpBias: boolean
  readonly slidingWindow: 'never' | 'always' | 'use_sliding_window'
  /** The config class refuses a hidden size that the heads do not divide, even with a `head_dim`. */
  readonly hiddenDivisible: boolean
  /** Head width when the key is missing; most share the hidden size out. */
  readonly headDim?: number
  readonly activation?: Activation
  readonly tied?: boolean
  readonly headNorms?: boolean
  readonly scaled?: boolean
}

/** configuration_{llama,mistral,qwen2,qwen3,gemma}.py and the `nn.Linear` lines of modeling_*.py in transformers 5.23. */
const VARIANTS: Readonly<Record<string, Variant>> = {
  llama: {
    intermediate: 11008,
    vocab: 32000,
    kvHeads: undefined,
    maxPositions: 2048,
    qkvBias: 'attention_bias',
    mlpBias: true,
    slidingWindow: 'never',
    hiddenDivisible: true,
  },
  mistral: {
    intermediate: 14336,
    vocab: 32000,
    kvHeads: 8,
    maxPositions: 131072,
    qkvBias: false,
    mlpBias: false,
    slidingWindow: 'always',
    hiddenDivisible: false,
  },
  qwen2: {
    intermediate: 22016,
    vocab: 151936,
    kvHeads: 32,
    maxPositions: 32768,
    qkvBias: true,
    mlpBias: false,
    slidingWindow: 'use_sliding_window',
    hiddenDivisible: false,
  },
  qwen3: {
    intermediate: 22016,
    vocab: 151936,
    kvHeads: 32,
    maxPositions: 32768,
    qkvBias: 'attention_bias',
    mlpBias: false,
    slidingWindow: 'use_sliding_window',
    hiddenDivisible: false,
    headDim: 128,
    headNorms: true,
  },
  gemma: {
    intermediate: 24576,
    vocab: 256000,
    kvHeads: 16,
    maxPositions: 8192,
    qkvBias: 'attention_bias',
    mlpBias: false,
    slidingWindow: 'never',
    hiddenDivisible: false,
    headDim: 256,
    activation: 'gelu_pytorch_tanh',
    tied: true,
    scaled: true,
  },
}

/** Frequency scalings that leave every shape as it is. */
const ROPE_TYPES = { default: 'default', linear: 'linear', dynamic: 'dynamic', llama3: 'llama3', yarn: 'yarn' }

/** LLaMA, Mistral, Qwen2, Qwen3 and Gemma (and TinyLlama, SmolLM2, whose `model_type` is llama). */
export const llamaAdapter: Adapter = {
  classes: {
    llama: {
      LlamaForCausalLM: { task: 'causal-lm' },
      LLaMAForCausalLM: { task: 'causal-lm', takenAs: 'LlamaForCausalLM' },
    },
    mistral: { MistralForCausalLM: { task: 'causal-lm' } },
    qwen2: { Qwen2ForCausalLM: { task: 'causal-lm' } },
    qwen3: { Qwen3ForCausalLM: { task: 'causal-lm' } },
    gemma: { GemmaForCausalLM: { task: 'causal-lm' } },
  },
  keys: [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'head_dim',
    'vocab_size',
    'hidden_act',
    'tie_word_embeddings',
    'attention_bias',
    'mlp_bias',
    'sliding_window',
    'use_sliding_window',
    'max_window_layers',
    'layer_types',
    'rms_norm_eps',
    'rope_theta',
    'rope_parameters',
    'rope_scaling',
    'attention_dropout',
    'max_position_embeddings',
    'use_bidirectional_attention',
  ],
  read: (fields, common, keep): LlamaSpec => {
    const variant = VARIANTS[common.modelType]!
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    const published = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    // before the cut: which layers slide is told by their number
    const slidingWindow = readSlidingWindow(fields, variant, published)
    const layers = keepLayers(fields, 'layers', published, keep)
    const spec: LlamaSpec = {
      ...common,
      family: 'llama',
      hidden,
      intermediate: fields.integer('intermediate', 'intermediate_size', LIMITS.intermediate, {
        value: variant.intermediate,
      }),
      layers,
      heads,
      kvHeads: readKvHeads(fields, variant, heads),
      headDim: readHeadDim(fields, variant, hidden, heads),
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: variant.vocab }),
      activation: readActivation(fields, variant),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: variant.tied ?? false }),
      ...readStyle(fields, variant),
      ...readBiases(fields, variant),
      slidingWindow,
      normEps: fields.number('normEps', 'rms_norm_eps', LIMITS.eps, { value: 1e-6 }),
      ...readRope(fields),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, { value: 0 }),
      maxPositions: fields.integer('maxPositions', 'max_position_embeddings', LIMITS.positions, {
        value: variant.maxPositions,
      }),
    }
    checkParameters(fields, spec)
    return spec
  },
}

/** configuration_gemma.py, __post_init__: `gelu` stands for its tanh form there. */
function readActivation(fields: Fields, variant: Variant): Activation {
  const given = fields.activation('activation', 'hidden_act', variant.activation ?? 'silu')
  return variant.scaled && given === 'gelu' ? 'gelu_pytorch_tanh' : given
}

function readStyle(fields: Fields, variant: Variant): Pick<LlamaSpec, 'headNorms' | 'scaled'> {
  fields.note('headNorms', 'default', `modeling file: ${variant.headNorms ? 'q_norm and k_norm' : 'none'}`)
  fields.note('scaled', 'default', `modeling file: ${variant.scaled ? 'ScaledWordEmbedding' : 'Embedding'}`)
  if (fields.raw('use_bidirectional_attention') === true) {
    const next = 'Remove the key to model causal attention.'
    const message = 'tokens attend to later ones as well'
    fields.fail('unsupported', 'use_bidirectional_attention', message, 'causal attention', next)
  }
  return { headNorms: variant.headNorms === true, scaled: variant.scaled === true }
}

function readKvHeads(fields: Fields, variant: Variant, heads: number): number {
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

function readHeadDim(fields: Fields, variant: Variant, hidden: number, heads: number): number {
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

function readBiases(fields: Fields, variant: Variant): Pick<LlamaSpec, 'qkvBias' | 'outputBias' | 'mlpBias'> {
  const constant = (field: string, value: boolean): boolean => {
    fields.note(field, 'default', `modeling file: bias=${value ? 'True' : 'False'}`)
    return value
  }
  const attention = variant.qkvBias === 'attention_bias'
  return {
    qkvBias: attention
      ? fields.boolean('qkvBias', 'attention_bias', { value: false })
      : constant('qkvBias', variant.qkvBias === true),
    outputBias: attention
      ? fields.boolean('outputBias', 'attention_bias', { value: false })
      : constant('outputBias', false),
    mlpBias: variant.mlpBias ? fields.boolean('mlpBias', 'mlp_bias', { value: false }) : constant('mlpBias', false),
  }
}

function readSlidingWindow(fields: Fields, variant: Variant, layers: number): number | null {
  if (variant.slidingWindow === 'never') {
    fields.note('slidingWindow', 'default', 'modeling file: none')
    return null
  }
  if (variant.slidingWindow === 'use_sliding_window') {
    const use = fields.boolean('slidingWindow', 'use_sliding_window', { value: false })
    if (!use) return null
  }
  if (fields.raw('sliding_window') === null) {
    fields.noteKey('slidingWindow', 'sliding_window')
    return null
  }
  const window = fields.integer('slidingWindow', 'sliding_window', LIMITS.positions, { value: 4096 })
  if (variant.slidingWindow === 'always') return window
  const sliding = countSlidingLayers(fields, layers)
  if (sliding === 0) return null
  if (sliding !== layers) {
    const message = `${sliding} of ${layers} layers slide their attention window`
    const next = 'Set use_sliding_window to false if the sequence is no longer than the window: nothing changes then.'
    fields.fail('unsupported', 'use_sliding_window', message, 'the same window in every layer', next)
  }
  return window
}

/** Layers below `max_window_layers` attend to everything (configuration_qwen2.py); `layer_types` says it outright. */
function countSlidingLayers(fields: Fields, layers: number): number {
  const types = fields.raw('layer_types')
  if (Array.isArray(types)) return types.slice(0, layers).filter((type) => type === 'sliding_attention').length
  const full = fields.integer('maxWindowLayers', 'max_window_layers', { min: 0, max: LIMITS.layers.max }, { value: 28 })
  delete fields.provenance.maxWindowLayers
  return Math.max(0, layers - full)
}

/** Both spellings: `rope_theta` beside `rope_scaling`, and since transformers 5 both inside `rope_parameters`. */
function readRope(fields: Fields): { ropeTheta: number; ropeType: string } {
  // the order of modeling_rope_utils.py: a non-empty rope_scaling wins, and what stands inside wins over rope_theta
  const inside = fields.nested(fields.first('rope_scaling', 'rope_parameters'))
  const holder = inside.has('rope_theta') ? inside : fields
  const ropeTheta = holder.number('ropeTheta', 'rope_theta', LIMITS.ropeTheta, { value: 10_000 })
  const ropeType = inside.choice('ropeType', inside.first('rope_type', 'type'), ROPE_TYPES, { value: 'default' })
  const turned = inside.has('partial_rotary_factor') ? inside : fields
  if (turned.has('partial_rotary_factor') && turned.raw('partial_rotary_factor') !== 1) {
    const message = 'only a part of each head is rotated'
    const next = 'This is not modelled: remove the key to model full rotation.'
    turned.fail('unsupported', 'partial_rotary_factor', message, 'no partial_rotary_factor, or 1', next)
  }
  return { ropeTheta, ropeType }
}

function checkParameters(fields: Fields, spec: LlamaSpec): void {
  const attention = spec.hidden * spec.headDim * 2 * (spec.heads + spec.kvHeads)
  const layer = attention + 3 * spec.hidden * spec.intermediate
  const parameters = spec.layers * layer + 2 * spec.vocab * spec.hidden
  if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
}

import { type Adapter, keepLayers } from './adapter.ts'
import { checkParameters, DECODER_KEYS, type HeadDefaults, readHeadDim, readKvHeads, readRope } from './decoder.ts'
import type { Fields } from './fields.ts'
import { LIMITS } from './limits.ts'
import type { Activation, LlamaSpec } from './spec.ts'

/** What differs between the model types that share LLaMA's modeling code. */
interface Variant extends HeadDefaults {
  readonly intermediate: number
  readonly vocab: number
  readonly maxPositions: number
  /** Key/value biases: a constant of the modeling file, or the config's `attention_bias`. */
  readonly qkvBias: boolean | 'attention_bias'
  /** `mlp_bias` is read. */
  readonly mlpBias: boolean
  readonly slidingWindow: 'never' | 'always' | 'use_sliding_window'
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
    ...DECODER_KEYS,
    'hidden_act',
    'mlp_bias',
    'sliding_window',
    'use_sliding_window',
    'max_window_layers',
    'layer_types',
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

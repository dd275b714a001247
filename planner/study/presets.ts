import { type Overrides, specFromConfig } from '../../models/index.ts'
import type { ModelSpec } from '../../models/spec.ts'

const SHARED = { vocab_size: 260, dtype: 'float32' }

/** Small models of the three families, as config.json would have them: large enough to learn from bytes, small enough for two cores. */
const CONFIGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'tiny-decoder': {
    ...SHARED,
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 256,
    tie_word_embeddings: true,
  },
  'tiny-encoder': {
    ...SHARED,
    model_type: 'bert',
    architectures: ['BertForSequenceClassification'],
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 256,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    num_labels: 3,
    id2label: { 0: 'early', 1: 'middle', 2: 'late' },
  },
  'tiny-encoder-decoder': {
    ...SHARED,
    model_type: 't5',
    architectures: ['T5ForConditionalGeneration'],
    d_model: 96,
    d_kv: 24,
    d_ff: 256,
    num_layers: 2,
    num_heads: 4,
    dropout_rate: 0,
    feed_forward_proj: 'gated-gelu',
    tie_word_embeddings: false,
    decoder_start_token_id: 0,
  },
}

export const PRESETS: readonly string[] = Object.keys(CONFIGS)

/** One of the small models by name; undefined where there is none of that name. Its weights are trained at the start of a study. */
export function presetOf(name: string, overrides: Overrides = {}): ModelSpec | undefined {
  const config = Object.hasOwn(CONFIGS, name) ? CONFIGS[name] : undefined
  return config && specFromConfig(config, { ...overrides, name, source: name })
}

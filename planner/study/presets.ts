import { type Overrides, specFromConfig } from '../../models/index.ts'
import type { ModelSpec } from '../../models/spec.ts'

const SHARED = { dtype: 'float32' }

/** Small models of the three families, as config.json would have them: large enough to learn, small enough for two cores. */
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
  // the mean of all tokens is what a small model learns to classify by; a first token's attention to them takes it far longer
  'tiny-encoder': {
    ...SHARED,
    model_type: 'modernbert',
    architectures: ['ModernBertForSequenceClassification'],
    hidden_size: 96,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 256,
    global_attn_every_n_layers: 1,
    classifier_pooling: 'mean',
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

/** How a small model reads text where nobody says: 64 bytes tell too little of when they were written. */
export const presetTokenizer = (name: string): 'bytes' | 'byte-pairs' =>
  name === 'tiny-encoder' ? 'byte-pairs' : 'bytes'

/**
 * One of the small models by its name among `PRESETS`. Its weights are trained at the start of a study.
 *
 * @param tokens ids that it must have
 */
export function presetOf(name: string, overrides: Overrides, tokens: number): ModelSpec {
  const vocab = 4 * Math.ceil(tokens / 4)
  return specFromConfig({ ...CONFIGS[name], vocab_size: vocab }, { ...overrides, name, source: name })
}

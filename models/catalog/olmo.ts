import type { CatalogEntry } from './entry.ts'

/** Published in float32, the instruction-tuned in bfloat16. */
const OLMO_2 = {
  architectures: ['Olmo2ForCausalLM'],
  model_type: 'olmo2',
  attention_bias: false,
  attention_dropout: 0.0,
  hidden_act: 'silu',
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 500000,
  tie_word_embeddings: false,
  torch_dtype: 'float32',
  vocab_size: 100352,
}

export const OLMO_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'olmo-2-1b': {
    repository: 'allenai/OLMo-2-0425-1B',
    config: {
      ...OLMO_2,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 16,
      num_hidden_layers: 16,
      num_key_value_heads: 16,
    },
    parameters: 1_484_916_736,
  },
  'olmo-2-7b': {
    repository: 'allenai/OLMo-2-1124-7B',
    config: {
      ...OLMO_2,
      hidden_size: 4096,
      intermediate_size: 11008,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 32,
    },
    parameters: 7_298_617_344,
  },
  'olmo-2-13b': {
    repository: 'allenai/OLMo-2-1124-13B',
    config: {
      ...OLMO_2,
      hidden_size: 5120,
      intermediate_size: 13824,
      num_attention_heads: 40,
      num_hidden_layers: 40,
      num_key_value_heads: 40,
    },
    parameters: 13_716_198_400,
  },
}

import type { CatalogEntry } from './entry.ts'

const STABLELM = {
  architectures: ['StableLmForCausalLM'],
  model_type: 'stablelm',
  attention_dropout: 0.0,
  hidden_act: 'silu',
  hidden_dropout: 0.0,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 4096,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  partial_rotary_factor: 0.25,
  rope_theta: 10000,
  tie_word_embeddings: false,
}

export const STABLELM_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'stablelm-2-1.6b': {
    repository: 'stabilityai/stablelm-2-1_6b',
    config: {
      ...STABLELM,
      hidden_size: 2048,
      intermediate_size: 5632,
      num_hidden_layers: 24,
      torch_dtype: 'float16',
      use_qkv_bias: true,
      vocab_size: 100352,
    },
    parameters: 1_644_515_328,
  },
  'stablelm-3b-4e1t': {
    repository: 'stabilityai/stablelm-3b-4e1t',
    config: {
      ...STABLELM,
      hidden_size: 2560,
      intermediate_size: 6912,
      num_hidden_layers: 32,
      torch_dtype: 'bfloat16',
      use_qkv_bias: false,
      vocab_size: 50304,
    },
    parameters: 2_795_443_200,
  },
}

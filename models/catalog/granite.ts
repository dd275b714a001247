import type { CatalogEntry } from './entry.ts'

const GRANITE = {
  architectures: ['GraniteForCausalLM'],
  model_type: 'granite',
  attention_bias: false,
  embedding_multiplier: 12.0,
  hidden_act: 'silu',
  max_position_embeddings: 131072,
  mlp_bias: false,
  num_attention_heads: 32,
  num_hidden_layers: 40,
  num_key_value_heads: 8,
  residual_multiplier: 0.22,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 5000000.0,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  vocab_size: 49155,
}

export const GRANITE_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'granite-3.1-2b': {
    repository: 'ibm-granite/granite-3.1-2b-base',
    config: {
      ...GRANITE,
      attention_multiplier: 0.015625,
      hidden_size: 2048,
      intermediate_size: 8192,
      logits_scaling: 8.0,
    },
    parameters: 2_533_531_648,
  },
  'granite-3.1-8b': {
    repository: 'ibm-granite/granite-3.1-8b-base',
    config: {
      ...GRANITE,
      attention_multiplier: 0.0078125,
      hidden_size: 4096,
      intermediate_size: 12800,
      logits_scaling: 16.0,
      rope_theta: 10000000.0,
    },
    parameters: 8_170_848_256,
  },
}

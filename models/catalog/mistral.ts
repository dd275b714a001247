import type { CatalogEntry } from './entry.ts'

const MIXTRAL = {
  architectures: ['MixtralForCausalLM'],
  model_type: 'mixtral',
  attention_dropout: 0.0,
  hidden_act: 'silu',
  num_experts_per_tok: 2,
  num_key_value_heads: 8,
  num_local_experts: 8,
  output_router_logits: false,
  rms_norm_eps: 1e-5,
  rope_theta: 1000000.0,
  sliding_window: null,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  vocab_size: 32000,
}

export const MISTRAL_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'mistral-7b': {
    repository: 'mistralai/Mistral-7B-v0.1',
    config: {
      architectures: ['MistralForCausalLM'],
      model_type: 'mistral',
      hidden_act: 'silu',
      hidden_size: 4096,
      intermediate_size: 14336,
      max_position_embeddings: 32768,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
      rope_theta: 10000.0,
      sliding_window: 4096,
      tie_word_embeddings: false,
      torch_dtype: 'bfloat16',
      vocab_size: 32000,
    },
    parameters: 7_241_732_096,
  },
  'mixtral-8x7b': {
    repository: 'mistralai/Mixtral-8x7B-v0.1',
    config: {
      ...MIXTRAL,
      hidden_size: 4096,
      intermediate_size: 14336,
      max_position_embeddings: 32768,
      num_attention_heads: 32,
      num_hidden_layers: 32,
    },
    parameters: 46_702_792_704,
  },
  'mixtral-8x22b': {
    repository: 'mistralai/Mixtral-8x22B-v0.1',
    config: {
      ...MIXTRAL,
      hidden_size: 6144,
      intermediate_size: 16384,
      max_position_embeddings: 65536,
      num_attention_heads: 48,
      num_hidden_layers: 56,
    },
    parameters: 140_620_634_112,
  },
}

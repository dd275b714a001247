import type { CatalogEntry } from './entry.ts'

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
}

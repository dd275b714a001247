import type { CatalogEntry } from './entry.ts'
import { LLAMA_1 } from './llama.ts'

export const TINYLLAMA_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'tinyllama-1.1b': {
    repository: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0',
    config: {
      ...LLAMA_1,
      attention_bias: false,
      hidden_size: 2048,
      intermediate_size: 5632,
      num_attention_heads: 32,
      num_hidden_layers: 22,
      num_key_value_heads: 4,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
      rope_theta: 10000.0,
      torch_dtype: 'bfloat16',
    },
    parameters: 1_100_048_384,
  },
}

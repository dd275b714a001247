import type { CatalogEntry } from './entry.ts'

const GEMMA = {
  architectures: ['GemmaForCausalLM'],
  model_type: 'gemma',
  attention_bias: false,
  attention_dropout: 0.0,
  head_dim: 256,
  hidden_act: 'gelu_pytorch_tanh',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-6,
  rope_theta: 10000.0,
  torch_dtype: 'bfloat16',
  vocab_size: 256000,
}

/** Published in float32, the instruction-tuned in bfloat16. */
const GEMMA_2 = {
  ...GEMMA,
  architectures: ['Gemma2ForCausalLM'],
  model_type: 'gemma2',
  attn_logit_softcapping: 50.0,
  final_logit_softcapping: 30.0,
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 256,
  sliding_window: 4096,
  torch_dtype: 'float32',
}

const GEMMA_3 = {
  ...GEMMA,
  architectures: ['Gemma3ForCausalLM'],
  model_type: 'gemma3_text',
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  hidden_activation: 'gelu_pytorch_tanh',
  max_position_embeddings: 32768,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  query_pre_attn_scalar: 256,
  rope_local_base_freq: 10000,
  rope_theta: 1000000,
  sliding_window: 512,
  sliding_window_pattern: 6,
  vocab_size: 262144,
}

export const GEMMA_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'gemma-2b': {
    repository: 'google/gemma-2b',
    config: {
      ...GEMMA,
      hidden_size: 2048,
      intermediate_size: 16384,
      num_attention_heads: 8,
      num_hidden_layers: 18,
      num_key_value_heads: 1,
    },
    parameters: 2_506_172_416,
  },
  'gemma-7b': {
    repository: 'google/gemma-7b',
    config: {
      ...GEMMA,
      hidden_size: 3072,
      intermediate_size: 24576,
      num_attention_heads: 16,
      num_hidden_layers: 28,
      num_key_value_heads: 16,
    },
    parameters: 8_537_680_896,
  },
  'gemma-2-2b': {
    repository: 'google/gemma-2-2b',
    config: {
      ...GEMMA_2,
      hidden_size: 2304,
      intermediate_size: 9216,
      num_attention_heads: 8,
      num_hidden_layers: 26,
      num_key_value_heads: 4,
    },
    parameters: 2_614_341_888,
  },
  'gemma-2-9b': {
    repository: 'google/gemma-2-9b',
    config: {
      ...GEMMA_2,
      hidden_size: 3584,
      intermediate_size: 14336,
      num_attention_heads: 16,
      num_hidden_layers: 42,
      num_key_value_heads: 8,
    },
    parameters: 9_241_705_984,
  },
  'gemma-2-27b': {
    repository: 'google/gemma-2-27b',
    config: {
      ...GEMMA_2,
      head_dim: 128,
      hidden_size: 4608,
      intermediate_size: 36864,
      num_attention_heads: 32,
      num_hidden_layers: 46,
      num_key_value_heads: 16,
      query_pre_attn_scalar: 144,
    },
    parameters: 27_227_128_320,
  },
  'gemma-3-270m': {
    repository: 'google/gemma-3-270m',
    config: {
      ...GEMMA_3,
      hidden_size: 640,
      intermediate_size: 2048,
      num_hidden_layers: 18,
    },
    parameters: 268_098_176,
  },
  'gemma-3-1b': {
    repository: 'google/gemma-3-1b-pt',
    config: {
      ...GEMMA_3,
      hidden_size: 1152,
      intermediate_size: 6912,
      num_hidden_layers: 26,
    },
    parameters: 999_885_952,
  },
}

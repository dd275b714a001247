import type { CatalogEntry } from './entry.ts'

/** The first LLaMA, in the layout that transformers reads. */
export const LLAMA_1 = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: false,
  torch_dtype: 'float16',
  vocab_size: 32000,
}

const LLAMA_2 = { ...LLAMA_1, max_position_embeddings: 4096, rms_norm_eps: 1e-5, rope_scaling: null }

const LLAMA_3 = {
  ...LLAMA_1,
  attention_bias: false,
  attention_dropout: 0.0,
  max_position_embeddings: 131072,
  mlp_bias: false,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 500000.0,
  torch_dtype: 'bfloat16',
  vocab_size: 128256,
}

const LLAMA_3_ROPE = {
  high_freq_factor: 4.0,
  low_freq_factor: 1.0,
  original_max_position_embeddings: 8192,
  rope_type: 'llama3',
}

export const LLAMA_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'llama-7b': {
    repository: 'huggyllama/llama-7b',
    config: {
      ...LLAMA_1,
      hidden_size: 4096,
      intermediate_size: 11008,
      num_attention_heads: 32,
      num_hidden_layers: 32,
    },
    parameters: 6_738_415_616,
  },
  'llama-13b': {
    repository: 'huggyllama/llama-13b',
    config: {
      ...LLAMA_1,
      hidden_size: 5120,
      intermediate_size: 13824,
      num_attention_heads: 40,
      num_hidden_layers: 40,
    },
    parameters: 13_015_864_320,
  },
  'llama-30b': {
    repository: 'huggyllama/llama-30b',
    config: {
      ...LLAMA_1,
      hidden_size: 6656,
      intermediate_size: 17920,
      num_attention_heads: 52,
      num_hidden_layers: 60,
    },
    parameters: 32_528_943_616,
  },
  'llama-65b': {
    repository: 'huggyllama/llama-65b',
    config: {
      ...LLAMA_1,
      hidden_size: 8192,
      intermediate_size: 22016,
      num_attention_heads: 64,
      num_hidden_layers: 80,
      rms_norm_eps: 1e-5,
    },
    parameters: 65_285_660_672,
  },
  'llama-2-7b': {
    repository: 'meta-llama/Llama-2-7b-hf',
    config: {
      ...LLAMA_2,
      hidden_size: 4096,
      intermediate_size: 11008,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 32,
    },
    parameters: 6_738_415_616,
  },
  'llama-2-13b': {
    repository: 'meta-llama/Llama-2-13b-hf',
    config: {
      ...LLAMA_2,
      hidden_size: 5120,
      intermediate_size: 13824,
      num_attention_heads: 40,
      num_hidden_layers: 40,
      num_key_value_heads: 40,
    },
    parameters: 13_015_864_320,
  },
  'llama-2-70b': {
    repository: 'meta-llama/Llama-2-70b-hf',
    config: {
      ...LLAMA_2,
      hidden_size: 8192,
      intermediate_size: 28672,
      num_attention_heads: 64,
      num_hidden_layers: 80,
      num_key_value_heads: 8,
    },
    parameters: 68_976_648_192,
  },
  // the sizes of torchtune's builder llama3_8b (torchtune/models/llama3/_model_builders.py)
  'llama-3-8b': {
    repository: 'meta-llama/Meta-Llama-3-8B',
    config: {
      ...LLAMA_3,
      hidden_size: 4096,
      intermediate_size: 14336,
      max_position_embeddings: 8192,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      rope_scaling: null,
    },
    parameters: 8_030_261_248,
  },
  'llama-3.1-8b': {
    repository: 'meta-llama/Llama-3.1-8B',
    config: {
      ...LLAMA_3,
      hidden_size: 4096,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      rope_scaling: { ...LLAMA_3_ROPE, factor: 8.0 },
    },
    parameters: 8_030_261_248,
  },
  'llama-3.1-70b': {
    repository: 'meta-llama/Llama-3.1-70B',
    config: {
      ...LLAMA_3,
      hidden_size: 8192,
      intermediate_size: 28672,
      num_attention_heads: 64,
      num_hidden_layers: 80,
      rope_scaling: { ...LLAMA_3_ROPE, factor: 8.0 },
    },
    parameters: 70_553_706_496,
  },
  'llama-3.2-1b': {
    repository: 'meta-llama/Llama-3.2-1B',
    config: {
      ...LLAMA_3,
      head_dim: 64,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 32,
      num_hidden_layers: 16,
      rope_scaling: { ...LLAMA_3_ROPE, factor: 32.0 },
      tie_word_embeddings: true,
    },
    parameters: 1_235_814_400,
  },
  'llama-3.2-3b': {
    repository: 'meta-llama/Llama-3.2-3B',
    config: {
      ...LLAMA_3,
      head_dim: 128,
      hidden_size: 3072,
      intermediate_size: 8192,
      num_attention_heads: 24,
      num_hidden_layers: 28,
      rope_scaling: { ...LLAMA_3_ROPE, factor: 32.0 },
      tie_word_embeddings: true,
    },
    parameters: 3_212_749_824,
  },
}

import type { CatalogEntry } from './entry.ts'

const OPT = {
  architectures: ['OPTForCausalLM'],
  model_type: 'opt',
  activation_function: 'relu',
  attention_dropout: 0.0,
  dropout: 0.1,
  layerdrop: 0.0,
  max_position_embeddings: 2048,
  torch_dtype: 'float16',
  vocab_size: 50272,
}

export const OPT_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'opt-125m': {
    repository: 'facebook/opt-125m',
    config: {
      ...OPT,
      do_layer_norm_before: true,
      ffn_dim: 3072,
      hidden_size: 768,
      num_attention_heads: 12,
      num_hidden_layers: 12,
      word_embed_proj_dim: 768,
    },
    parameters: 125_239_296,
  },
  'opt-350m': {
    repository: 'facebook/opt-350m',
    config: {
      ...OPT,
      do_layer_norm_before: false,
      ffn_dim: 4096,
      hidden_size: 1024,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      word_embed_proj_dim: 512,
    },
    parameters: 331_196_416,
  },
  'opt-1.3b': {
    repository: 'facebook/opt-1.3b',
    config: {
      ...OPT,
      do_layer_norm_before: true,
      ffn_dim: 8192,
      hidden_size: 2048,
      num_attention_heads: 32,
      num_hidden_layers: 24,
      word_embed_proj_dim: 2048,
    },
    parameters: 1_315_758_080,
  },
  'opt-2.7b': {
    repository: 'facebook/opt-2.7b',
    config: {
      ...OPT,
      do_layer_norm_before: true,
      ffn_dim: 10240,
      hidden_size: 2560,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      word_embed_proj_dim: 2560,
    },
    parameters: 2_651_596_800,
  },
  'opt-6.7b': {
    repository: 'facebook/opt-6.7b',
    config: {
      ...OPT,
      do_layer_norm_before: true,
      ffn_dim: 16384,
      hidden_size: 4096,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      word_embed_proj_dim: 4096,
    },
    parameters: 6_658_473_984,
  },
  'opt-13b': {
    repository: 'facebook/opt-13b',
    config: {
      ...OPT,
      do_layer_norm_before: true,
      ffn_dim: 20480,
      hidden_size: 5120,
      num_attention_heads: 40,
      num_hidden_layers: 40,
      word_embed_proj_dim: 5120,
    },
    parameters: 12_853_473_280,
  },
  'opt-30b': {
    repository: 'facebook/opt-30b',
    config: {
      ...OPT,
      do_layer_norm_before: true,
      ffn_dim: 28672,
      hidden_size: 7168,
      num_attention_heads: 56,
      num_hidden_layers: 48,
      word_embed_proj_dim: 7168,
    },
    parameters: 29_974_540_288,
  },
}

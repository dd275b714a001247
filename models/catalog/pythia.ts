import type { CatalogEntry } from './entry.ts'

const PYTHIA = {
  architectures: ['GPTNeoXForCausalLM'],
  model_type: 'gpt_neox',
  hidden_act: 'gelu',
  layer_norm_eps: 1e-5,
  max_position_embeddings: 2048,
  rotary_emb_base: 10000,
  rotary_pct: 0.25,
  tie_word_embeddings: false,
  torch_dtype: 'float16',
  use_parallel_residual: true,
}

export const PYTHIA_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'pythia-70m': {
    repository: 'EleutherAI/pythia-70m',
    config: {
      ...PYTHIA,
      hidden_size: 512,
      intermediate_size: 2048,
      num_attention_heads: 8,
      num_hidden_layers: 6,
      vocab_size: 50304,
    },
    parameters: 70_426_624,
  },
  'pythia-160m': {
    repository: 'EleutherAI/pythia-160m',
    config: {
      ...PYTHIA,
      hidden_size: 768,
      intermediate_size: 3072,
      num_attention_heads: 12,
      num_hidden_layers: 12,
      vocab_size: 50304,
    },
    parameters: 162_322_944,
  },
  'pythia-410m': {
    repository: 'EleutherAI/pythia-410m',
    config: {
      ...PYTHIA,
      hidden_size: 1024,
      intermediate_size: 4096,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      vocab_size: 50304,
    },
    parameters: 405_334_016,
  },
  'pythia-1b': {
    repository: 'EleutherAI/pythia-1b',
    config: {
      ...PYTHIA,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 8,
      num_hidden_layers: 16,
      vocab_size: 50304,
    },
    parameters: 1_011_781_632,
  },
  'pythia-1.4b': {
    repository: 'EleutherAI/pythia-1.4b',
    config: {
      ...PYTHIA,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      vocab_size: 50304,
    },
    parameters: 1_414_647_808,
  },
  'pythia-2.8b': {
    repository: 'EleutherAI/pythia-2.8b',
    config: {
      ...PYTHIA,
      hidden_size: 2560,
      intermediate_size: 10240,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      vocab_size: 50304,
    },
    parameters: 2_775_208_960,
  },
  'pythia-6.9b': {
    repository: 'EleutherAI/pythia-6.9b',
    config: {
      ...PYTHIA,
      hidden_size: 4096,
      intermediate_size: 16384,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      vocab_size: 50432,
    },
    parameters: 6_857_302_016,
  },
  'pythia-12b': {
    repository: 'EleutherAI/pythia-12b',
    config: {
      ...PYTHIA,
      hidden_size: 5120,
      intermediate_size: 20480,
      num_attention_heads: 40,
      num_hidden_layers: 36,
      vocab_size: 50688,
    },
    parameters: 11_846_072_320,
  },
}

import type { CatalogEntry } from './entry.ts'

const GPT2 = {
  architectures: ['GPT2LMHeadModel'],
  model_type: 'gpt2',
  activation_function: 'gelu_new',
  attn_pdrop: 0.1,
  embd_pdrop: 0.1,
  layer_norm_epsilon: 1e-5,
  n_positions: 1024,
  resid_pdrop: 0.1,
  vocab_size: 50257,
}

export const GPT2_MODELS: Readonly<Record<string, CatalogEntry>> = {
  gpt2: {
    repository: 'openai-community/gpt2',
    config: {
      ...GPT2,
      n_embd: 768,
      n_head: 12,
      n_layer: 12,
    },
    parameters: 124_439_808,
  },
  'gpt2-medium': {
    repository: 'openai-community/gpt2-medium',
    config: {
      ...GPT2,
      n_embd: 1024,
      n_head: 16,
      n_layer: 24,
    },
    parameters: 354_823_168,
  },
  'gpt2-large': {
    repository: 'openai-community/gpt2-large',
    config: {
      ...GPT2,
      n_embd: 1280,
      n_head: 20,
      n_layer: 36,
    },
    parameters: 774_030_080,
  },
  'gpt2-xl': {
    repository: 'openai-community/gpt2-xl',
    config: {
      ...GPT2,
      n_embd: 1600,
      n_head: 25,
      n_layer: 48,
    },
    parameters: 1_557_611_200,
  },
}

import type { CatalogEntry } from './entry.ts'

const T5 = {
  architectures: ['T5ForConditionalGeneration'],
  model_type: 't5',
  decoder_start_token_id: 0,
  dropout_rate: 0.1,
  layer_norm_epsilon: 1e-6,
  n_positions: 512,
  pad_token_id: 0,
  relative_attention_num_buckets: 32,
  vocab_size: 32128,
}

export const T5_MODELS: Readonly<Record<string, CatalogEntry>> = {
  't5-small': {
    repository: 'google-t5/t5-small',
    config: { ...T5, d_ff: 2048, d_kv: 64, d_model: 512, num_heads: 8, num_layers: 6 },
    parameters: 60_506_624,
  },
  't5-base': {
    repository: 'google-t5/t5-base',
    config: { ...T5, d_ff: 3072, d_kv: 64, d_model: 768, num_heads: 12, num_layers: 12 },
    parameters: 222_903_552,
  },
  't5-large': {
    repository: 'google-t5/t5-large',
    config: { ...T5, d_ff: 4096, d_kv: 64, d_model: 1024, num_heads: 16, num_layers: 24 },
    parameters: 737_668_096,
  },
  't5-3b': {
    repository: 'google-t5/t5-3b',
    config: { ...T5, d_ff: 16384, d_kv: 128, d_model: 1024, num_heads: 32, num_layers: 24 },
    parameters: 2_851_598_336,
  },
  't5-11b': {
    repository: 'google-t5/t5-11b',
    config: { ...T5, d_ff: 65536, d_kv: 128, d_model: 1024, num_heads: 128, num_layers: 24 },
    parameters: 11_307_321_344,
  },
  'flan-t5-base': {
    repository: 'google/flan-t5-base',
    config: {
      ...T5,
      d_ff: 2048,
      d_kv: 64,
      d_model: 768,
      feed_forward_proj: 'gated-gelu',
      num_decoder_layers: 12,
      num_heads: 12,
      num_layers: 12,
      relative_attention_max_distance: 128,
      tie_word_embeddings: false,
    },
    parameters: 247_577_856,
    stackParameters: 222_903_552,
  },
}

import type { CatalogEntry } from './entry.ts'

const BART = {
  architectures: ['BartModel'],
  model_type: 'bart',
  activation_dropout: 0.1,
  activation_function: 'gelu',
  attention_dropout: 0.1,
  decoder_layerdrop: 0.0,
  decoder_start_token_id: 2,
  dropout: 0.1,
  encoder_layerdrop: 0.0,
  max_position_embeddings: 1024,
  pad_token_id: 1,
  scale_embedding: false,
  vocab_size: 50265,
}

export const BART_MODELS: Readonly<Record<string, CatalogEntry>> = {
  'bart-base': {
    repository: 'facebook/bart-base',
    config: {
      ...BART,
      d_model: 768,
      decoder_attention_heads: 12,
      decoder_ffn_dim: 3072,
      decoder_layers: 6,
      encoder_attention_heads: 12,
      encoder_ffn_dim: 3072,
      encoder_layers: 6,
    },
    parameters: 139_420_416,
  },
  'bart-large': {
    repository: 'facebook/bart-large',
    config: {
      ...BART,
      d_model: 1024,
      decoder_attention_heads: 16,
      decoder_ffn_dim: 4096,
      decoder_layers: 12,
      encoder_attention_heads: 16,
      encoder_ffn_dim: 4096,
      encoder_layers: 12,
    },
    parameters: 406_291_456,
  },
}

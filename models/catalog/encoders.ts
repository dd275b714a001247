import type { CatalogEntry } from './entry.ts'

const BERT = {
  architectures: ['BertForMaskedLM'],
  model_type: 'bert',
  attention_probs_dropout_prob: 0.1,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  pad_token_id: 0,
  type_vocab_size: 2,
  vocab_size: 30522,
}

const MODERNBERT = {
  architectures: ['ModernBertForMaskedLM'],
  model_type: 'modernbert',
  attention_bias: false,
  attention_dropout: 0.0,
  classifier_activation: 'gelu',
  classifier_bias: false,
  classifier_dropout: 0.0,
  classifier_pooling: 'mean',
  embedding_dropout: 0.0,
  global_attn_every_n_layers: 3,
  global_rope_theta: 160000.0,
  hidden_activation: 'gelu',
  local_attention: 128,
  local_rope_theta: 10000.0,
  max_position_embeddings: 8192,
  mlp_bias: false,
  mlp_dropout: 0.0,
  norm_bias: false,
  norm_eps: 1e-5,
  torch_dtype: 'float32',
  vocab_size: 50368,
}

const ROBERTA = {
  ...BERT,
  architectures: ['RobertaForMaskedLM'],
  model_type: 'roberta',
  layer_norm_eps: 1e-5,
  max_position_embeddings: 514,
  pad_token_id: 1,
  type_vocab_size: 1,
  vocab_size: 50265,
}

const BASE_ENCODER = { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, num_hidden_layers: 12 }

const LARGE_ENCODER = { hidden_size: 1024, intermediate_size: 4096, num_attention_heads: 16, num_hidden_layers: 24 }

const DISTILBERT = {
  architectures: ['DistilBertForMaskedLM'],
  model_type: 'distilbert',
  activation: 'gelu',
  attention_dropout: 0.1,
  dim: 768,
  dropout: 0.1,
  hidden_dim: 3072,
  max_position_embeddings: 512,
  n_heads: 12,
  n_layers: 6,
  pad_token_id: 0,
  qa_dropout: 0.1,
  seq_classif_dropout: 0.2,
  sinusoidal_pos_embds: false,
  vocab_size: 30522,
}

export const ENCODERS: Readonly<Record<string, CatalogEntry>> = {
  'roberta-base': {
    repository: 'FacebookAI/roberta-base',
    config: { ...ROBERTA, ...BASE_ENCODER },
    parameters: 124_647_170,
  },
  'roberta-large': {
    repository: 'FacebookAI/roberta-large',
    config: { ...ROBERTA, ...LARGE_ENCODER },
    parameters: 355_361_794,
  },
  'bert-base': {
    repository: 'google-bert/bert-base-uncased',
    config: { ...BERT, ...BASE_ENCODER },
    parameters: 109_483_778,
  },
  'bert-large': {
    repository: 'google-bert/bert-large-uncased',
    config: { ...BERT, ...LARGE_ENCODER },
    parameters: 335_143_938,
  },
  'modernbert-base': {
    repository: 'answerdotai/ModernBERT-base',
    config: {
      ...MODERNBERT,
      hidden_size: 768,
      intermediate_size: 1152,
      num_attention_heads: 12,
      num_hidden_layers: 22,
    },
    parameters: 149_606_402,
  },
  'modernbert-large': {
    repository: 'answerdotai/ModernBERT-large',
    config: {
      ...MODERNBERT,
      hidden_size: 1024,
      intermediate_size: 2624,
      num_attention_heads: 16,
      num_hidden_layers: 28,
    },
    parameters: 395_833_346,
  },
  'distilbert-base': {
    repository: 'distilbert/distilbert-base-uncased',
    config: DISTILBERT,
    parameters: 66_955_010,
  },
}

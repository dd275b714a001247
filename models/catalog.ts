/** A published model: its config.json as data, and its exact size. */
export interface CatalogEntry {
  /** Where it is published on the Hugging Face hub. */
  readonly repository: string
  /** The keys of config.json that decide the program and its shapes, as published. */
  readonly config: Readonly<Record<string, unknown>>
  /**
   * Parameters as published. Of encoders: what `AutoModelForSequenceClassification` builds for two labels (the
   * checkpoint's language modeling head is dropped and a classification head added).
   */
  readonly parameters: number
  /** Parameters in the stack (transformers 5.23), where it ties weights that the checkpoint keeps apart. */
  readonly stackParameters?: number
}

/** The first LLaMA, in the layout that transformers reads. */
const LLAMA_1 = {
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

const SMOLLM2 = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  attention_bias: false,
  attention_dropout: 0.0,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  mlp_bias: false,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 100000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  vocab_size: 49152,
}

const QWEN_2_5 = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  attention_dropout: 0.0,
  hidden_act: 'silu',
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  sliding_window: 131072,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 152064,
}

/** The two smallest checkpoints hold the head beside the embedding that it is tied to. */
const QWEN_3 = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  attention_bias: false,
  attention_dropout: 0.0,
  head_dim: 128,
  hidden_act: 'silu',
  max_position_embeddings: 40960,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1000000,
  sliding_window: null,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151936,
}

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

/**
 * Models known by name, as plain data: nothing is computed when this file is loaded.
 *
 * Keys are those of each repository's config.json. `parameters` are the published counts: they equal the sum over
 * `parameters()` of the class built on the meta device with transformers 5.23 (of flan-t5-base the stack's count does,
 * and the published one has a head of its own, 32128 × 768 more).
 */
export const CATALOG: Readonly<Record<string, CatalogEntry>> = {
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
  'distilbert-base': {
    repository: 'distilbert/distilbert-base-uncased',
    config: DISTILBERT,
    parameters: 66_955_010,
  },
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
  'qwen2.5-0.5b': {
    repository: 'Qwen/Qwen2.5-0.5B',
    config: {
      ...QWEN_2_5,
      hidden_size: 896,
      intermediate_size: 4864,
      max_position_embeddings: 32768,
      max_window_layers: 24,
      num_attention_heads: 14,
      num_hidden_layers: 24,
      num_key_value_heads: 2,
      sliding_window: 32768,
      tie_word_embeddings: true,
      vocab_size: 151936,
    },
    parameters: 494_032_768,
  },
  'qwen2.5-1.5b': {
    repository: 'Qwen/Qwen2.5-1.5B',
    config: {
      ...QWEN_2_5,
      hidden_size: 1536,
      intermediate_size: 8960,
      max_window_layers: 28,
      num_attention_heads: 12,
      num_hidden_layers: 28,
      num_key_value_heads: 2,
      tie_word_embeddings: true,
      vocab_size: 151936,
    },
    parameters: 1_543_714_304,
  },
  'qwen2.5-3b': {
    repository: 'Qwen/Qwen2.5-3B',
    config: {
      ...QWEN_2_5,
      hidden_size: 2048,
      intermediate_size: 11008,
      max_position_embeddings: 32768,
      max_window_layers: 36,
      num_attention_heads: 16,
      num_hidden_layers: 36,
      num_key_value_heads: 2,
      sliding_window: 32768,
      tie_word_embeddings: true,
      vocab_size: 151936,
    },
    parameters: 3_085_938_688,
  },
  'qwen2.5-7b': {
    repository: 'Qwen/Qwen2.5-7B',
    config: {
      ...QWEN_2_5,
      hidden_size: 3584,
      intermediate_size: 18944,
      max_window_layers: 28,
      num_attention_heads: 28,
      num_hidden_layers: 28,
      num_key_value_heads: 4,
    },
    parameters: 7_615_616_512,
  },
  'qwen2.5-14b': {
    repository: 'Qwen/Qwen2.5-14B',
    config: {
      ...QWEN_2_5,
      hidden_size: 5120,
      intermediate_size: 13824,
      max_window_layers: 48,
      num_attention_heads: 40,
      num_hidden_layers: 48,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
    },
    parameters: 14_770_033_664,
  },
  'qwen2.5-32b': {
    repository: 'Qwen/Qwen2.5-32B',
    config: {
      ...QWEN_2_5,
      hidden_size: 5120,
      intermediate_size: 27648,
      max_window_layers: 64,
      num_attention_heads: 40,
      num_hidden_layers: 64,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
    },
    parameters: 32_763_876_352,
  },
  'qwen2.5-72b': {
    repository: 'Qwen/Qwen2.5-72B',
    config: {
      ...QWEN_2_5,
      hidden_size: 8192,
      intermediate_size: 29568,
      max_window_layers: 80,
      num_attention_heads: 64,
      num_hidden_layers: 80,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
    },
    parameters: 72_706_203_648,
  },
  'qwen3-0.6b': {
    repository: 'Qwen/Qwen3-0.6B',
    config: {
      ...QWEN_3,
      hidden_size: 1024,
      intermediate_size: 3072,
      max_window_layers: 28,
      num_attention_heads: 16,
      num_hidden_layers: 28,
      tie_word_embeddings: true,
    },
    parameters: 751_632_384,
    stackParameters: 596_049_920,
  },
  'qwen3-1.7b': {
    repository: 'Qwen/Qwen3-1.7B',
    config: {
      ...QWEN_3,
      hidden_size: 2048,
      intermediate_size: 6144,
      max_window_layers: 28,
      num_attention_heads: 16,
      num_hidden_layers: 28,
      tie_word_embeddings: true,
    },
    parameters: 2_031_739_904,
    stackParameters: 1_720_574_976,
  },
  'qwen3-4b': {
    repository: 'Qwen/Qwen3-4B',
    config: {
      ...QWEN_3,
      hidden_size: 2560,
      intermediate_size: 9728,
      max_window_layers: 36,
      num_attention_heads: 32,
      num_hidden_layers: 36,
      tie_word_embeddings: true,
    },
    parameters: 4_022_468_096,
  },
  'qwen3-8b': {
    repository: 'Qwen/Qwen3-8B',
    config: {
      ...QWEN_3,
      hidden_size: 4096,
      intermediate_size: 12288,
      max_window_layers: 36,
      num_attention_heads: 32,
      num_hidden_layers: 36,
    },
    parameters: 8_190_735_360,
  },
  'qwen3-14b': {
    repository: 'Qwen/Qwen3-14B',
    config: {
      ...QWEN_3,
      hidden_size: 5120,
      intermediate_size: 17408,
      max_window_layers: 40,
      num_attention_heads: 40,
      num_hidden_layers: 40,
    },
    parameters: 14_768_307_200,
  },
  'qwen3-32b': {
    repository: 'Qwen/Qwen3-32B',
    config: {
      ...QWEN_3,
      hidden_size: 5120,
      intermediate_size: 25600,
      max_window_layers: 64,
      num_attention_heads: 64,
      num_hidden_layers: 64,
    },
    parameters: 32_762_123_264,
  },
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
  'smollm2-135m': {
    repository: 'HuggingFaceTB/SmolLM2-135M',
    config: {
      ...SMOLLM2,
      hidden_size: 576,
      intermediate_size: 1536,
      num_attention_heads: 9,
      num_hidden_layers: 30,
      num_key_value_heads: 3,
    },
    parameters: 134_515_008,
  },
  'smollm2-360m': {
    repository: 'HuggingFaceTB/SmolLM2-360M',
    config: {
      ...SMOLLM2,
      hidden_size: 960,
      intermediate_size: 2560,
      num_attention_heads: 15,
      num_hidden_layers: 32,
      num_key_value_heads: 5,
    },
    parameters: 361_821_120,
  },
  'smollm2-1.7b': {
    repository: 'HuggingFaceTB/SmolLM2-1.7B',
    config: {
      ...SMOLLM2,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 32,
      num_hidden_layers: 24,
      num_key_value_heads: 32,
      rope_theta: 130000,
    },
    parameters: 1_711_376_384,
  },
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

import { type ModelSpec, specFromConfig } from '../../models/index.ts'
import type { Method, TrainSpec } from '../training/spec.ts'

/** Small models of the families, with widths that no two share, so that a mixed-up axis shows. */
const CONFIGS: Readonly<Record<string, Record<string, unknown>>> = {
  llama: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    vocab_size: 53,
    attention_dropout: 0.1,
  },
  qwen3: {
    architectures: ['Qwen3ForCausalLM'],
    model_type: 'qwen3',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    head_dim: 10,
    vocab_size: 53,
    attention_dropout: 0.1,
  },
  gemma: {
    architectures: ['GemmaForCausalLM'],
    model_type: 'gemma',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 1,
    head_dim: 10,
    vocab_size: 53,
    attention_dropout: 0.1,
  },
  gemma2: {
    architectures: ['Gemma2ForCausalLM'],
    model_type: 'gemma2',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    head_dim: 10,
    vocab_size: 53,
    attention_dropout: 0.1,
    sliding_window: 4,
  },
  gemma3: {
    architectures: ['Gemma3ForCausalLM'],
    model_type: 'gemma3_text',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    head_dim: 10,
    vocab_size: 53,
    sliding_window: 4,
    sliding_window_pattern: 2,
  },
  gpt2: {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_embd: 24,
    n_inner: 40,
    n_layer: 2,
    n_head: 3,
    vocab_size: 53,
    n_positions: 40,
  },
  opt: {
    architectures: ['OPTForCausalLM'],
    model_type: 'opt',
    hidden_size: 24,
    ffn_dim: 40,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    vocab_size: 53,
    max_position_embeddings: 40,
    attention_dropout: 0.1,
  },
  phi3: {
    architectures: ['Phi3ForCausalLM'],
    model_type: 'phi3',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    vocab_size: 53,
    attention_dropout: 0.1,
    resid_pdrop: 0.1,
  },
  phi: {
    architectures: ['PhiForCausalLM'],
    model_type: 'phi',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    vocab_size: 53,
    resid_pdrop: 0.1,
    embd_pdrop: 0.1,
  },
  gpt_neox: {
    architectures: ['GPTNeoXForCausalLM'],
    model_type: 'gpt_neox',
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    vocab_size: 53,
    hidden_dropout: 0.1,
    attention_dropout: 0.1,
  },
  roberta: {
    architectures: ['RobertaForSequenceClassification'],
    model_type: 'roberta',
    hidden_size: 24,
    intermediate_size: 44,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    vocab_size: 53,
    max_position_embeddings: 40,
    type_vocab_size: 1,
  },
  distilbert: {
    architectures: ['DistilBertForSequenceClassification'],
    model_type: 'distilbert',
    dim: 24,
    hidden_dim: 44,
    n_layers: 2,
    n_heads: 3,
    vocab_size: 53,
    max_position_embeddings: 40,
  },
  bart: {
    architectures: ['BartForConditionalGeneration'],
    model_type: 'bart',
    d_model: 24,
    encoder_ffn_dim: 44,
    decoder_ffn_dim: 36,
    encoder_layers: 2,
    decoder_layers: 2,
    encoder_attention_heads: 3,
    decoder_attention_heads: 4,
    vocab_size: 53,
    max_position_embeddings: 40,
    activation_dropout: 0.1,
  },
  t5: {
    architectures: ['T5ForConditionalGeneration'],
    model_type: 't5',
    d_model: 24,
    d_ff: 36,
    d_kv: 5,
    num_layers: 2,
    num_heads: 4,
    vocab_size: 53,
    decoder_start_token_id: 0,
  },
}

export const FAMILIES = Object.keys(CONFIGS)
export const METHODS: readonly Method[] = ['full', 'lora', 'lora-fa']

const TARGETS: Readonly<Record<string, readonly string[]>> = {
  llama: ['q_proj', 'v_proj'],
  qwen3: ['q_proj', 'v_proj'],
  gemma: ['q_proj', 'v_proj'],
  gemma2: ['q_proj', 'v_proj'],
  gemma3: ['q_proj', 'v_proj'],
  gpt2: ['c_attn'],
  opt: ['q_proj', 'v_proj'],
  phi3: ['qkv_proj'],
  phi: ['q_proj', 'v_proj'],
  gpt_neox: ['query_key_value'],
  roberta: ['query', 'value'],
  distilbert: ['q_lin', 'v_lin'],
  bart: ['q_proj', 'v_proj'],
  t5: ['q', 'v'],
}

export const modelOf = (family: string, layers = 2): ModelSpec =>
  specFromConfig({ ...CONFIGS[family], torch_dtype: 'float32' }, { name: family, layers })

/** Rank, targets, batch, length, dropout, optimizer: five settings a family and method. */
export function settingsOf(family: string, method: Method): TrainSpec[] {
  const model = modelOf(family)
  const rows: [
    rank: number,
    all: boolean,
    batch: number,
    tokens: number,
    dropout: number,
    optimizer: TrainSpec['optimizer'],
    accumulation: number,
  ][] = [
    [4, true, 2, 7, 0, 'adamw', 1],
    [3, false, 1, 9, 0, 'adamw', 1],
    [8, true, 3, 5, 0.1, 'adamw', 3],
    [1, false, 2, 11, 0.2, 'sgd', 1],
    [5, true, 1, 6, 0.05, method === 'lora-fa' ? 'lorafa' : 'adamw', 1],
  ]
  return rows.map(([rank, all, batch, tokens, dropout, optimizer, accumulation]) => ({
    method,
    batch,
    tokens,
    targetTokens: tokens - 2,
    dtype: 'float32',
    autocast: 'none',
    attention: 'eager',
    padding: false,
    optimizer,
    optimizerImpl: 'for-loop',
    checkpointing: 'none',
    accumulation,
    reference: rank === 3 && method !== 'full',
    task: model.task,
    adapter:
      method === 'full'
        ? null
        : {
            rank,
            alpha: 2 * rank,
            dropout,
            targets: all ? ['all-linear'] : TARGETS[family]!,
            dtype: 'base',
            rslora: false,
          },
  }))
}

/** How attention is run, and whether the batch is padded. */
export type Way = Pick<TrainSpec, 'attention' | 'padding'>

export const WAYS: readonly Way[] = [
  { attention: 'eager', padding: false },
  { attention: 'eager', padding: true },
  { attention: 'sdpa', padding: false },
  { attention: 'sdpa', padding: true },
  { attention: 'flash_attention_2', padding: false },
]

/** The ways that a family has. */
export const waysOf = (family: string): readonly Way[] =>
  WAYS.filter(({ attention }) => family !== 't5' || attention === 'eager')

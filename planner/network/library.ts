/**
 * The versions of transformers and PEFT whose files a program follows, as the places where their versions write the same model
 * otherwise. What a helper allocates on its way (a mask, a table) stands in the dialect's scripts.
 */
export interface Library {
  readonly name: string
  /** Model types whose modeling files are followed; null for all that are modelled. */
  readonly modelTypes: ReadonlySet<string> | null
  /** Tables of the rotary embedding that are registered as buffers. */
  readonly rotaryBuffers: readonly string[]
  /** Model types whose attentions have a rotary embedding each: beside the model's, which is the one in use, or in its place. */
  readonly layerRotary: ReadonlyMap<string, 'beside' | 'instead'>
  /** A decoder's attention through ALL_ATTENTION_FUNCTIONS, or written out in the module's forward, for each kind of it. */
  readonly attention: 'interface' | 'inline'
  /** What sdpa is called with where it goes through the interface: grouped keys as they are, or repeated and each tensor laid out densely. */
  readonly sdpa: 'grouped' | 'contiguous'
  /** Model types that repeat keys and values for flash-attn, which takes them grouped. */
  readonly flashRepeats: ReadonlySet<string>
  /** By which tensor's type flash-attn's operands are cast from float32. */
  readonly flashCast: 'query' | 'value'
  /** What flash_attention_2 calls: flash-attn's kernels, or the engine's own, which take every type and width of head. */
  readonly flash: 'flash-attn' | 'engine'
  /** Who makes a causal decoder's mask, and of which shape. */
  readonly mask: 'masking_utils' | 'update_causal_mask'
  /** Whether the head's result is in float32 before the loss is asked for. */
  readonly wideLogits: boolean
  /** What the causal loss shifts by one: the labels, or logits and labels, both copied. */
  readonly shift: 'labels' | 'logits'
  /** The version of liger-kernel that goes with it. */
  readonly liger: '0.5' | '0.8'
  /** Whether fms-acceleration's plugin of fused kernels goes with it. */
  readonly foak: boolean
  /** Whether a tuple named `layer_outputs` holds the last layer's result until the model's forward returns. */
  readonly layerOutputs: boolean
  /** Whether a checkpointed layer is handed its mask and positions as arguments, which are saved, or in a closure. */
  readonly checkpointed: 'arguments' | 'closure'
  /** BERT's attention through ALL_ATTENTION_FUNCTIONS and a mask only where one is given, or written out with one of ones. */
  readonly bert: 'interface' | 'inline'
  /** GPT-2's causal mask as everybody's, or under eager from a buffer of each layer. */
  readonly gpt2: 'interface' | 'inline'
  readonly t5: {
    /** Through ALL_ATTENTION_FUNCTIONS with a bias and a mask beside it, or written out with a bias that has the mask in it. */
    readonly attention: 'interface' | 'inline'
    /** Whether stacks number their tokens (`cache_position`) and count by that. */
    readonly positions: boolean
    /** Whether the decoder fills a cache of keys and values in training. */
    readonly cache: boolean
    /** Whether the head is the embedding whatever the checkpoint says. */
    readonly headTied: boolean
    /** Whether the stacks call the one module `shared` or have modules of their own over its weight. */
    readonly embedding: 'shared' | 'own'
  }
  /** What DoRA's added term is made from: the base's result, or x through the weight once more, dropout or not. */
  readonly dora: 'result' | 'input'
}

/** transformers 5.23 and PEFT 0.21; liger-kernel 0.8.5. */
export const CURRENT: Library = {
  name: 'transformers-5.23+peft-0.21',
  modelTypes: null,
  rotaryBuffers: ['inv_freq', 'original_inv_freq'],
  layerRotary: new Map(),
  attention: 'interface',
  sdpa: 'grouped',
  flashRepeats: new Set(),
  flashCast: 'query',
  flash: 'flash-attn',
  mask: 'masking_utils',
  wideLogits: false,
  shift: 'labels',
  liger: '0.8',
  foak: false,
  layerOutputs: false,
  checkpointed: 'closure',
  bert: 'interface',
  gpt2: 'interface',
  t5: { attention: 'interface', positions: true, cache: true, headTied: true, embedding: 'own' },
  dora: 'result',
}

/** The newest files as planner/execute runs them. */
export const EXECUTED: Library = { ...CURRENT, flash: 'engine' }

/**
 * transformers 4.48.1 and PEFT 0.13; liger-kernel 0.5.2, fms-acceleration-foak 0.7.4:
 * - modeling_llama.py, LlamaRotaryEmbedding.__init__: `self.original_inv_freq = self.inv_freq` is the same tensor, no buffer;
 * - integrations/sdpa_attention.py, sdpa_attention_forward: repeat_kv and three `.contiguous()` whatever the kernel takes;
 * - modeling_flash_attention_utils.py, fa_peft_integration_check: `input_dtype = value.dtype`;
 * - modeling_llama.py, _update_causal_mask: additive, one column longer than the sequence where the batch has no mask;
 * - loss/loss_utils.py, ForCausalLMLoss: `logits[..., :-1, :].contiguous()` in float32 beside the float32 logits;
 * - modeling_llama.py, LlamaModel.forward: `hidden_states = layer_outputs[0]`;
 * - the same, `_gradient_checkpointing_func(decoder_layer.__call__, hidden_states, causal_mask, position_ids, …)`;
 * - modeling_bert.py and modeling_roberta.py: BertSelfAttention.forward, `embeddings += position_embeddings`, token types as a part
 *   of their buffer, a mask of ones in BertModel.forward;
 * - modeling_gpt2.py, GPT2Attention.__init__: buffers `bias` and `masked_bias`, read by eager_attention_forward; GPT2Model.forward makes
 *   positions before it embeds, and hands none to its blocks; until 4.48.2 GPT2LMHeadModel.forward takes the loss itself, in the
 *   logits' type;
 * - modeling_t5.py, T5Attention.forward: `position_bias + causal_mask`, `scores += position_bias`; T5Stack.forward makes a mask of
 *   ones where it was given none; tuples named `attention_output`, `self_attention_outputs`, `layer_outputs` hold what they hold;
 * - the same, T5ForConditionalGeneration.forward hands `use_cache` of its own config to the decoder, and ties by it; __init__ hands
 *   `self.shared` to both stacks;
 * - peft/tuners/lora/dora.py, DoraLinearLayer.forward: `F.linear(x, weight)` always.
 */
export const TRANSFORMERS_4_48: Library = {
  name: 'transformers-4.48+peft-0.13',
  modelTypes: new Set(['llama', 'mistral', 'qwen2', 'bert', 'roberta', 'gpt2', 't5']),
  rotaryBuffers: ['inv_freq'],
  layerRotary: new Map(),
  attention: 'interface',
  sdpa: 'contiguous',
  flashRepeats: new Set(),
  flashCast: 'value',
  flash: 'flash-attn',
  mask: 'update_causal_mask',
  wideLogits: false,
  shift: 'logits',
  liger: '0.5',
  foak: true,
  layerOutputs: true,
  checkpointed: 'arguments',
  bert: 'inline',
  gpt2: 'inline',
  t5: { attention: 'inline', positions: true, cache: false, headTied: false, embedding: 'shared' },
  dora: 'input',
}

/**
 * transformers 4.45.2 and PEFT 0.13; liger-kernel 0.5.2, fms-acceleration-foak 0.4.0. As 4.48, and otherwise:
 * - modeling_llama.py and modeling_qwen2.py, LlamaAttention.__init__: an embedding of each layer's own beside the model's, whose tables
 *   every layer is handed; modeling_mistral.py, MistralAttention.forward asks its own, and the model has none;
 * - the same files: LlamaAttention, LlamaFlashAttention2 and LlamaSdpaAttention are a forward each, whose names q, k and v are reassigned,
 *   and which hand out no weights; sdpa is called without `.contiguous()` where there is no mask;
 * - MistralFlashAttention2.forward and Qwen2FlashAttention2.forward: repeat_kv before flash-attn;
 * - the same: `input_dtype = query_states.dtype`;
 * - LlamaForCausalLM.forward: `logits = self.lm_head(…).float()`; CrossEntropyLoss of the file itself, which foak exchanges;
 * - modeling_gpt2.py, GPT2SdpaAttention.forward: queries, keys and values as they lie in c_attn's result;
 * - modeling_t5.py, T5Stack.forward: get_extended_attention_mask (modeling_utils.py), and no cache_position.
 */
export const TRANSFORMERS_4_45: Library = {
  ...TRANSFORMERS_4_48,
  name: 'transformers-4.45+peft-0.13',
  layerRotary: new Map([
    ['llama', 'beside'],
    ['mistral', 'instead'],
    ['qwen2', 'beside'],
  ]),
  attention: 'inline',
  flashRepeats: new Set(['mistral', 'qwen2']),
  flashCast: 'query',
  wideLogits: true,
  t5: { ...TRANSFORMERS_4_48.t5, positions: false },
}

import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { flag, names, refuse, text, to, word } from './rule.ts'
import {
  ATTENTION,
  CHECKPOINT_KEYS,
  concludeTrainer,
  DTYPE,
  TRAINER_IGNORED,
  TRAINER_KEYS,
  TRAINER_REFUSED,
} from './transformers.ts'

const PREFERENCE = 'a preference loss runs pairs and a reference; only the SFT step is modelled'

/** What `trl sft --config` and the alignment handbook take: SFTConfig, ModelConfig and ScriptArguments in one file. */
export const trl: Format = {
  name: 'trl',
  title: "TRL's SFT",
  source: 'trl 1.16: SFTConfig, ModelConfig, ScriptArguments',
  marks: [
    ['model_name_or_path', 'per_device_train_batch_size'],
    ['model_name_or_path', 'dataset_name'],
    ['model_name_or_path', 'use_peft'],
    ['use_peft'],
    ['max_length', 'per_device_train_batch_size'],
    ['max_seq_length', 'per_device_train_batch_size'],
    ['dataset_text_field'],
  ],
  keys: {
    ...TRAINER_KEYS,
    gradient_checkpointing_kwargs: { ...CHECKPOINT_KEYS, selective: flag() },
    model_name_or_path: text(),
    dtype: DTYPE,
    torch_dtype: DTYPE,
    attn_implementation: ATTENTION,
    use_peft: flag(),
    lora_r: to('rank'),
    lora_alpha: to('lora_alpha'),
    lora_dropout: to('lora_dropout'),
    lora_target_modules: names('target_modules'),
    lora_modules_to_save: names('modules_to_save'),
    use_rslora: to('use_rslora'),
    use_dora: to('use_dora'),
    load_in_4bit: flag(),
    load_in_8bit: flag(),
    use_bnb_nested_quant: flag(),
    bnb_4bit_quant_type: refuse('4-bit NormalFloat is modelled', { off: ['nf4'], unless: 'quantize' }),
    max_length: to('seq_len'),
    max_seq_length: to('seq_len'),
    packing: to('packing'),
    padding_free: to('packing'),
    loss_type: refuse(PREFERENCE, { off: ['nll'] }),
    lora_task_type: word({ CAUSAL_LM: {} }, ['SEQ_CLS', 'SEQ_2_SEQ_LM', 'TOKEN_CLS']),
    beta: refuse(PREFERENCE),
    max_prompt_length: refuse(PREFERENCE),
    model_init_kwargs: {
      dtype: DTYPE,
      torch_dtype: DTYPE,
      attn_implementation: ATTENTION,
      trust_remote_code: flag(),
      revision: text(),
      use_cache: flag(),
    },
  },
  ignored: {
    ...TRAINER_IGNORED,
    'the data and its text':
      'dataset_name dataset_config dataset_train_split dataset_test_split dataset_streaming dataset_text_field dataset_kwargs dataset_num_proc dataset_mixture dataset_mixer dataset_splits dataset_configs datasets test_split_size preprocessing_num_workers eos_token pad_token chat_template chat_template_path completion_only_loss assistant_only_loss packing_strategy truncation_mode shuffle_dataset auto_insert_empty_system_msg text_column',
    'padding within the longest row': 'pad_to_multiple_of',
    'which files are loaded': 'model_revision trust_remote_code tokenizer_name_or_path model_code_revision',
    'how packed weights are stored': 'bnb_4bit_quant_storage',
    'for mixtures of experts': 'router_aux_loss_coef',
    'between devices': `${TRAINER_IGNORED['between devices']} ignore_bias_buffers`,
  },
  refused: {
    ...TRAINER_REFUSED,
    'moves activations to the host': 'activation_offloading',
    'adapts parameters that are no linears': 'lora_target_parameters',
  },
  conclude(file) {
    file.nameModel('model_name_or_path')
    if (file.on('use_peft')) {
      file.set('method', 'lora', 'use_peft')
      file.fallback('rank', 16, "TRL's lora_r")
      file.fallback('lora_alpha', 32, "TRL's lora_alpha")
      file.fallback('lora_dropout', 0.05, "TRL's lora_dropout")
    } else file.fallback('method', 'full', "TRL's use_peft, off")
    concludeTrainer(file, "TRL's file")
    if (file.raw('bf16') === undefined && !file.on('fp16'))
      file.fallback('autocast', 'bfloat16', "TRL's bf16, on unless fp16 is")
    const reentrant = file.on('gradient_checkpointing_kwargs.use_reentrant')
    file.fallback('gradient_checkpointing', reentrant ? 'reentrant' : 'non-reentrant', "TRL's gradient_checkpointing")
    const selective = 'gradient_checkpointing_kwargs.selective'
    if (file.on(selective) && file.values.gradient_checkpointing !== 'none')
      file.set('checkpoint_keep', 'attention', selective)
    file.fallback('dtype', 'float32', "TRL's ModelConfig")
    file.fallback('seq_len', 1024, "TRL's max_length")
    quantized(file)
  },
}

/** A quantized base holds its adapters in bfloat16, whatever its other weights are (sft_trainer.py, `_is_quantized_model`). */
function quantized(file: Reading): void {
  const key = ['load_in_4bit', 'load_in_8bit'].find((k) => file.on(k))
  if (key === undefined) return
  const nf4 = file.on('use_bnb_nested_quant') ? 'nf4-double' : 'nf4'
  file.set('quantize', key === 'load_in_4bit' ? nf4 : 'int8', key)
  if (!file.on('use_peft')) return
  if (file.values.dtype === 'bfloat16') file.set('adapter_dtype', 'base', key)
  else
    file.refuse(key, "SFTTrainer's bfloat16 adapters on a base whose other weights are not bfloat16 are not modelled", {
      next: 'Load the base with dtype: bfloat16, or say --adapter-dtype.',
      unless: 'adapter_dtype',
    })
}

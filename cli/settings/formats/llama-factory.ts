import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { count, flag, type Keys, names, refuse, text, to, word } from './rule.ts'
import {
  CHECKPOINT_KEYS,
  followDeepSpeed,
  OPTIMIZERS,
  TRAINER_IGNORED,
  TRAINER_KEYS,
  TRAINER_REFUSED,
} from './transformers.ts'

const PREFERENCE = 'only supervised and pre-training steps are modelled'

const { gradient_checkpointing: _g, activation_checkpointing: _a, ...TRAINER } = TRAINER_KEYS

const EVERY = refuse('LLaMA-Factory turns checkpoints on by itself, in every layer', { off: [1] })

/** In LLaMA-Factory's own words: hparams/{model,data,finetuning}_args.py. */
const KEYS: Keys = {
  ...TRAINER,
  gradient_checkpointing_kwargs: { ...CHECKPOINT_KEYS, every_n_layers: EVERY },
  activation_checkpointing_kwargs: { ...CHECKPOINT_KEYS, every_n_layers: EVERY },
  optim: OPTIMIZERS,
  model_name_or_path: text(),
  stage: word({ sft: {}, pt: {}, rm: PREFERENCE, dpo: PREFERENCE, kto: PREFERENCE, ppo: PREFERENCE }),
  finetuning_type: word({ lora: { method: 'lora' }, full: { method: 'full' } }, ['freeze', 'oft']),
  lora_rank: to('rank'),
  lora_alpha: to('lora_alpha'),
  lora_dropout: to('lora_dropout'),
  lora_target: names('target_modules', ['all']),
  additional_target: names('modules_to_save'),
  use_rslora: to('use_rslora'),
  use_dora: to('use_dora'),
  quantization_bit: count(1),
  quantization_method: word({ bnb: {}, bitsandbytes: {} }, ['hqq', 'eetq', 'gptq', 'awq', 'aqlm']),
  quantization_type: word({ nf4: {} }, ['fp4']),
  double_quantization: flag(),
  cutoff_len: to('seq_len'),
  packing: to('packing'),
  neat_packing: to('packing'),
  flash_attn: word(
    {
      auto: {},
      disabled: { attention: 'eager' },
      false: { attention: 'eager' },
      sdpa: { attention: 'sdpa' },
      fa2: { attention: 'flash_attention_2' },
    },
    ['fa3'],
  ),
  pure_bf16: flag(),
  disable_gradient_checkpointing: flag(),
  gradient_checkpointing: flag(),
  use_reentrant_gc: flag(),
  enable_liger_kernel: TRAINER_KEYS.use_liger_kernel!,
  do_train: flag(),
  use_llama_pro: refuse('adds layers and freezes the rest'),
  mixture_of_depths: refuse('routes tokens around layers'),
  use_unsloth: refuse("Unsloth's kernels are not modelled"),
  use_unsloth_gc: refuse('moves what checkpoints keep to the host'),
}

/** Marks of the layout of src/llamafactory/v1. */
const V1: readonly (readonly string[])[] = [
  ['model', 'dist_config'],
  ['model', 'train_dataset'],
  ['model', 'sample_backend'],
]

/** LLaMA-Factory's examples/train_*: TrainingArguments with its own words. */
export const llamaFactory: Format = {
  name: 'llama-factory',
  title: 'LLaMA-Factory',
  source: 'LLaMA-Factory of August 2026: src/llamafactory/hparams',
  marks: [
    ['finetuning_type'],
    ['stage', 'template'],
    ['cutoff_len', 'template'],
    ['cutoff_len', 'model_name_or_path'],
    ...V1,
  ],
  reject(file) {
    if (!V1.some((keys) => keys.every((key) => Object.hasOwn(file, key)))) return undefined
    const next = 'Write the setting with the keys of examples/train_lora, or as flags.'
    return { key: 'model', message: "belongs to LLaMA-Factory's v1 layout, which is not read", next }
  },
  keys: KEYS,
  ignored: {
    ...TRAINER_IGNORED,
    'the data and its text':
      'dataset dataset_dir media_dir eval_dataset template train_on_prompt mask_history streaming buffer_size mix_strategy interleave_probs overwrite_cache preprocessing_batch_size preprocessing_num_workers max_samples eval_num_beams ignore_pad_token_for_loss val_size eval_on_each_dataset tool_format default_system enable_thinking preserve_thinking tokenized_path data_shared_file_system disable_shuffling',
    'which files are loaded':
      'trust_remote_code cache_dir use_fast_tokenizer split_special_tokens model_revision low_cpu_mem_usage hf_hub_token ms_hub_token om_hub_token print_param_status adapter_folder offload_folder',
    'text generation':
      'infer_backend infer_dtype use_kv_cache vllm_maxlen vllm_gpu_util vllm_enforce_eager vllm_max_lora_rank vllm_config sglang_maxlen sglang_mem_fraction sglang_tp_size sglang_config do_sample temperature top_p top_k num_beams max_new_tokens repetition_penalty length_penalty skip_special_tokens',
    export:
      'export_dir export_size export_device export_quantization_bit export_quantization_dataset export_quantization_nsamples export_quantization_maxlen export_legacy_format export_hub_model_id',
    'how weights begin':
      'pissa_init pissa_iter pissa_convert create_new_adapter init_special_tokens train_from_scratch',
    'how weights move, no shapes': `${TRAINER_IGNORED['how weights move, no shapes']} loraplus_lr_ratio loraplus_lr_embedding`,
    'a preference loss, and the stage is not one':
      'pref_beta pref_ftx pref_bco_weight pref_loss dpo_label_smoothing kto_chosen_weight kto_rejected_weight simpo_gamma ppo_buffer_size ppo_epochs ppo_score_norm ppo_target ppo_whiten_rewards ref_model ref_model_adapters ref_model_quantization_bit reward_model reward_model_adapters reward_model_quantization_bit reward_model_type ld_alpha',
    'belongs to a switch that is off':
      'freeze_trainable_layers freeze_trainable_modules freeze_extra_modules freeze_vision_tower freeze_multi_modal_projector freeze_language_model galore_target galore_rank galore_update_interval galore_scale galore_proj_type galore_layerwise apollo_target apollo_rank apollo_update_interval apollo_scale apollo_proj apollo_proj_type apollo_scale_type apollo_layerwise apollo_scale_front badam_mode badam_start_block badam_switch_mode badam_switch_interval badam_update_ratio badam_mask_mode badam_verbose asft_alpha eaft_alpha module_dropout oft_rank oft_block_size oft_target fp8_backend fp8_enable_fsdp_float8_all_gather megatron_bridge_args hyper_parallel_args hyper_parallel_cp_size fsdp_transformer_layer_cls_to_wrap',
    'images, sound and film':
      'image_max_pixels image_min_pixels image_do_pan_and_scan crop_to_patches video_max_pixels video_min_pixels video_fps video_maxlen use_audio_in_video audio_sampling_rate',
    'what is logged': `${TRAINER_IGNORED['what is logged']} plot_loss include_effective_tokens_per_second compute_accuracy early_stopping_steps`,
    'how positions are scaled': 'rope_scaling',
    'for mixtures of experts': 'moe_aux_loss_coef',
    'where a quantized model is placed while it loads': 'quantization_device_map',
    'processes on a cluster':
      'ray_num_workers ray_run_name ray_storage_path ray_storage_filesystem ray_init_kwargs resources_per_worker placement_strategy master_addr master_port',
  },
  prefixes: { swanlab_: 'what is logged', use_swanlab: 'what is logged' },
  refused: {
    ...TRAINER_REFUSED,
    'widens the norms': 'upcast_layernorm',
    'widens the logits': 'upcast_lmhead_output',
    'changes the vocabulary': 'resize_vocab add_tokens add_special_tokens new_special_tokens_config',
    'merges or goes on with an adapter that is not read here': 'adapter_name_or_path',
    'another attention': 'shift_attn',
    'kernels of its own': 'use_v1_kernels use_kt kt_config kt_cpu_activation kt_weight_path kt_non_expert_weight_path',
    'another loss': 'use_dft_loss use_asft_loss use_eaft_loss',
    'another optimizer': 'use_galore use_apollo use_badam use_adam_mini use_muon',
    'trains in 8-bit floats': 'fp8',
    'another engine': 'use_mca use_megatron_bridge use_hyper_parallel',
    'splits the model another way':
      'parallelism_config tensor_model_parallel_size pipeline_model_parallel_size expert_model_parallel_size context_parallel_size sequence_parallel',
  },
  conclude(file) {
    file.nameModel('model_name_or_path')
    const lora = file.raw('finetuning_type') !== 'full'
    if (lora) loraDefaults(file)
    file.fallback('batch_size', 8, "TrainingArguments' per_device_train_batch_size")
    file.fallback('seq_len', 2048, "LLaMA-Factory's cutoff_len")
    precision(file, lora)
    checkpointing(file)
    quantized(file)
    followDeepSpeed(file, "LLaMA-Factory's file")
    if (file.isSet('packing') && !file.isSet('attention'))
      file.fallback('attention', 'sdpa', "LLaMA-Factory's flash_attn: auto")
  },
}

/** finetuning_args.py: alpha is twice the rank; adapter.py: `all` are all linears but the head. */
function loraDefaults(file: Reading): void {
  file.fallback('method', 'lora', "LLaMA-Factory's finetuning_type")
  file.fallback('rank', 8, "LLaMA-Factory's lora_rank")
  file.fallback('lora_alpha', 2 * Number(file.values.rank ?? 8), "LLaMA-Factory's lora_alpha: twice lora_rank")
  file.fallback('target_modules', ['all-linear'], "LLaMA-Factory's lora_target: all")
}

/** parser.py loads in the type of the mixed precision; adapter.py then widens what trains, unless pure_bf16. */
function precision(file: Reading, lora: boolean): void {
  const key = (['bf16', 'pure_bf16', 'fp16'] as const).find((k) => file.on(k))
  if (key === undefined) return
  const type = key === 'fp16' ? 'float16' : 'bfloat16'
  const pure = file.on('pure_bf16')
  file.set('dtype', lora || pure ? type : 'float32', key)
  if (file.on('bf16') || file.on('fp16')) file.set('autocast', type, key)
  if (lora) file.set('adapter_dtype', pure ? 'base' : 'float32', key)
}

/** checkpointing.py: on, and reentrant, unless it is said otherwise. */
function checkpointing(file: Reading): void {
  if (file.on('disable_gradient_checkpointing')) {
    file.set('gradient_checkpointing', 'none', 'disable_gradient_checkpointing')
    return
  }
  if (file.raw('use_reentrant_gc') === undefined) {
    file.fallback('gradient_checkpointing', 'reentrant', "LLaMA-Factory's use_reentrant_gc")
  } else {
    file.set('gradient_checkpointing', file.on('use_reentrant_gc') ? 'reentrant' : 'non-reentrant', 'use_reentrant_gc')
  }
}

/** quantization.py: bitsandbytes, double quantization unless it is off. */
function quantized(file: Reading): void {
  const bits = file.number('quantization_bit')
  if (bits === undefined) return
  if (bits === 8) file.set('quantize', 'int8', 'quantization_bit')
  else if (bits === 4) {
    const single = file.raw('double_quantization') !== undefined && !file.on('double_quantization')
    file.set('quantize', single ? 'nf4' : 'nf4-double', 'quantization_bit')
  } else file.refuse('quantization_bit', `${bits} bits are not modelled: 4 and 8 are`, { unless: 'quantize' })
}

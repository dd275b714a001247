import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { flag, type Keys, type Rule, refuse, to, word } from './rule.ts'

/** Optimizers by the names of transformers' OptimizerNames (training_args.py), and what stands for the rest. */
export const OPTIMIZERS: Rule = word(
  {
    adamw_torch: { optimizer: 'adamw', optimizer_impl: 'foreach' },
    adamw_torch_fused: { optimizer: 'adamw', optimizer_impl: 'fused' },
    adamw_8bit: { optimizer: 'adamw-8bit' },
    adamw_bnb_8bit: { optimizer: 'adamw-8bit' },
    paged_adamw_8bit: { optimizer: 'paged-adamw-8bit' },
    adafactor: { optimizer: 'adafactor' },
    sgd: { optimizer: 'sgd' },
  },
  (
    'adamw_hf adamw_torch_xla adamw_torch_npu_fused adamw_apex_fused adamw_anyprecision adamw_torch_4bit adamw_torch_8bit ' +
    'paged_adamw paged_adamw_32bit adagrad ademamix ademamix_8bit paged_ademamix_32bit paged_ademamix_8bit lion_32bit lion_8bit ' +
    'paged_lion_32bit paged_lion_8bit rmsprop rmsprop_bnb rmsprop_bnb_8bit rmsprop_bnb_32bit galore_adamw galore_adamw_8bit ' +
    'galore_adafactor galore_adamw_layerwise galore_adamw_8bit_layerwise galore_adafactor_layerwise lomo adalomo grokadamw ' +
    'schedule_free_radam schedule_free_adamw schedule_free_sgd apollo_adamw apollo_adamw_layerwise stable_adamw muon flash_adamw'
  ).split(' '),
)

/** `attn_implementation` of transformers' models. */
export const ATTENTION: Rule = word(
  { eager: { attention: 'eager' }, sdpa: { attention: 'sdpa' }, flash_attention_2: { attention: 'flash_attention_2' } },
  [
    'flash_attention_3',
    'flash_attention_4',
    'flex_attention',
    'kernels-community/flash-attn2',
    'kernels-community/flash-attn3',
  ],
)

/** A weight type as `torch_dtype` and `dtype` name it. */
export const DTYPE: Rule = word({
  auto: {},
  float32: { dtype: 'float32' },
  bfloat16: { dtype: 'bfloat16' },
  float16: { dtype: 'float16' },
  fp32: { dtype: 'float32' },
  bf16: { dtype: 'bfloat16' },
  fp16: { dtype: 'float16' },
})

/** `fsdp`: words apart by spaces or a list of them; false and nothing are off. */
export const SHARDED: Rule = (value) => {
  if (value === '' || value === false || (Array.isArray(value) && value.length === 0))
    return { kind: 'ignored', reason: 'off' }
  const words = value === true ? 'full_shard' : Array.isArray(value) ? value : [value]
  const isText = (list: readonly unknown[]): list is readonly string[] => list.every((item) => typeof item === 'string')
  if (typeof words === 'string') return { kind: 'sets', options: { fsdp: words } }
  return isText(words)
    ? { kind: 'sets', options: { fsdp: words.join(' ') } }
    : { kind: 'wrong', expected: 'names of strategies' }
}

/** What the Trainer hands to `activation_checkpointing_enable`. */
export const CHECKPOINT_KEYS: Keys = {
  use_reentrant: flag(),
  every_n_layers: (value) => ({ kind: 'noted', value }),
  offload: refuse('moves what checkpoints keep to the host'),
  selective: refuse("recomputes some operations only: TRL's word"),
}

/** Fields of TrainingArguments that decide a step's memory. */
export const TRAINER_KEYS: Keys = {
  per_device_train_batch_size: to('batch_size'),
  gradient_accumulation_steps: to('gradient_accumulation'),
  optim: OPTIMIZERS,
  bf16: flag(),
  fp16: flag(),
  gradient_checkpointing: flag(),
  activation_checkpointing: flag(),
  gradient_checkpointing_kwargs: CHECKPOINT_KEYS,
  activation_checkpointing_kwargs: CHECKPOINT_KEYS,
  use_liger_kernel: refuse("Liger's norms, rotary embedding and SwiGLU are not modelled", {
    next: 'Say --fused-loss liger for its fused loss alone, or --fused-loss none for a step without it.',
    unless: 'fused_loss',
  }),
  deepspeed: (value) => ({ kind: 'noted', value }),
  fsdp: SHARDED,
  fsdp_config: (value) =>
    typeof value === 'object' ? { kind: 'ignored', reason: 'belongs to fsdp' } : { kind: 'noted', value },
}

/** Why the rest of TrainingArguments weighs nothing. */
export const TRAINER_IGNORED: Readonly<Record<string, string>> = {
  'how weights move, no shapes':
    'learning_rate lr_scheduler_type lr_scheduler_kwargs warmup_steps warmup_ratio weight_decay adam_beta1 adam_beta2 adam_epsilon average_tokens_across_devices',
  'clipping scales gradients in place': 'max_grad_norm',
  'how long it trains': 'num_train_epochs max_steps',
  'what is logged':
    'logging_dir logging_strategy logging_steps logging_first_step log_on_each_node logging_nan_inf_filter include_num_input_tokens_seen include_tokens_per_second log_level log_level_replica disable_tqdm report_to run_name project trackio_space_id trackio_bucket_id trackio_static_space_id debug skip_memory_metrics',
  'evaluation; its memory is not predicted':
    'do_eval do_predict eval_strategy evaluation_strategy eval_steps eval_delay per_device_eval_batch_size prediction_loss_only eval_on_start eval_do_concat_batches eval_use_gather_object eval_accumulation_steps include_for_metrics batch_eval_metrics bf16_full_eval fp16_full_eval load_best_model_at_end metric_for_best_model greater_is_better label_names eval_packing predict_with_generate generation_max_length generation_num_beams',
  'what is saved, and where':
    'output_dir overwrite_output_dir save_only_model save_strategy save_steps save_on_each_node save_total_limit save_safetensors enable_jit_checkpoint resume_from_checkpoint ignore_data_skip restore_callback_states_from_checkpoint',
  'the hub':
    'push_to_hub hub_token hub_private_repo hub_model_id hub_model_revision hub_strategy hub_always_push hub_revision',
  'how batches are fetched and drawn':
    'seed data_seed full_determinism dataloader_drop_last dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor dataloader_multiprocessing_context dataloader_in_order remove_unused_columns train_sampling_strategy length_column_name group_by_length accelerator_config',
  'how matrix products round': 'tf32',
  'the cache of generation, off while it trains': 'use_cache',
  'between devices':
    'ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph ddp_backend ddp_timeout local_rank',
  'frees what is cached, not what lives': 'torch_empty_cache_steps',
  'lowers the batch only after it did not fit': 'auto_find_batch_size',
  'what the script does': 'do_train',
}

export const TRAINER_REFUSED: Readonly<Record<string, string>> = {
  'compiled code keeps other tensors': 'torch_compile torch_compile_backend torch_compile_mode',
  'noise on the embeddings is not modelled': 'neftune_noise_alpha',
  'a smoothed loss computes its own log-softmax': 'label_smoothing_factor',
  'trains with another optimizer per module': 'optim_target_modules optim_args',
  'does not train on a device': 'use_cpu',
  'splits the model another way': 'parallelism_config',
  'chooses single kernels': 'liger_kernel_config',
}

/** What TrainingArguments say together: precision, checkpointing, the file of DeepSpeed. */
export function concludeTrainer(file: Reading, title: string): void {
  file.fallback('batch_size', 8, "TrainingArguments' per_device_train_batch_size")
  if (file.on('bf16') && file.on('fp16')) file.wrong('fp16', true, 'one of bf16 and fp16')
  else if (file.on('bf16')) file.set('autocast', 'bfloat16', 'bf16')
  else if (file.on('fp16')) file.set('autocast', 'float16', 'fp16')
  const key = file.raw('activation_checkpointing') === undefined ? 'gradient_checkpointing' : 'activation_checkpointing'
  if (file.raw(key) !== undefined) file.set('gradient_checkpointing', checkpointing(file, key), key)
  const every = `${key}_kwargs.every_n_layers`
  if (file.raw(every) !== undefined && file.raw(key) !== false) file.set('checkpoint_every', file.raw(every), every)
  followDeepSpeed(file, title)
}

/** transformers checkpoints without reentrance unless told otherwise (modeling_utils.py, gradient_checkpointing_enable). */
export function checkpointing(file: Reading, key: string): string {
  if (!file.on(key)) return 'none'
  return file.on(`${key}_kwargs.use_reentrant`) ? 'reentrant' : 'non-reentrant'
}

/** `deepspeed` names a file of its own, which holds the sharding. */
export function followDeepSpeed(file: Reading, title: string): void {
  const named = file.raw('deepspeed')
  if (named === undefined || named === '' || named === false) return
  if (typeof named === 'string') file.need('deepspeed', 'deepspeed', named)
  else file.refuse('deepspeed', `stands inside ${title}; it is read from a file of its own`)
}

/** Fields of TrainingArguments alone, as YAML or JSON. */
export const transformers: Format = {
  name: 'transformers',
  title: "transformers' TrainingArguments",
  source: 'transformers 5.23: training_args.py',
  marks: [
    ['per_device_train_batch_size'],
    ['gradient_accumulation_steps', 'learning_rate'],
    ['output_dir', 'learning_rate'],
    ['output_dir', 'num_train_epochs'],
  ],
  keys: TRAINER_KEYS,
  ignored: TRAINER_IGNORED,
  refused: TRAINER_REFUSED,
  conclude: (file) => concludeTrainer(file, 'TrainingArguments'),
}

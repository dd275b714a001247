import type { Format } from './format.ts'
import { count, flag, ignore, type Keys, type Rule, refuse, to } from './rule.ts'

const COMMUNICATION = 'between devices'
const OFFLOAD: Keys = {
  device: refuse('moves state to the host', { off: ['none', 'cpu:0', 'auto'], unless: 'zero' }),
  pin_memory: ignore('how the host holds it'),
  buffer_count: ignore('how the host holds it'),
  buffer_size: ignore('how the host holds it'),
  fast_init: ignore('how the host holds it'),
  nvme_path: ignore('how the host holds it'),
  max_in_cpu: ignore('how the host holds it'),
  pipeline: ignore('how the host holds it'),
  pipeline_read: ignore('how the host holds it'),
  pipeline_write: ignore('how the host holds it'),
  ratio: ignore('how the host holds it'),
}
/** Off, `auto`, or the type that weights are copied to. */
const half: Rule = (value) => (value === 'auto' ? { kind: 'noted', value: 'auto' } : flag()(value))

const OPTIMIZER: Rule = (value) => {
  const name = typeof value === 'string' ? value.toLowerCase() : ''
  if (name === 'adam' || name === 'adamw')
    return { kind: 'sets', options: { optimizer: 'adamw', optimizer_impl: 'fused' } }
  return name === ''
    ? { kind: 'wrong', expected: 'the name of an optimizer' }
    : { kind: 'refused', message: "DeepSpeed's own optimizer is not modelled", unless: 'optimizer' }
}

const listed = (reason: string, keys: string): Keys =>
  Object.fromEntries(keys.split(' ').map((key) => [key, ignore(reason)]))

/** The JSON that `--deepspeed` and accelerate's deepspeed_config_file name. */
export const deepspeed: Format = {
  name: 'deepspeed',
  title: 'DeepSpeed',
  source: 'deepspeed 0.19: runtime/config.py, runtime/zero/config.py',
  marks: [['zero_optimization'], ['train_micro_batch_size_per_gpu'], ['train_batch_size', 'optimizer']],
  keys: {
    train_micro_batch_size_per_gpu: to('batch_size'),
    gradient_accumulation_steps: to('gradient_accumulation'),
    train_batch_size: (value) => (value === 'auto' ? to('batch_size')(value) : count(1)(value)),
    bf16: {
      enabled: half,
      immediate_grad_update: ignore(COMMUNICATION),
      check_grad_overflow: ignore(COMMUNICATION),
      bf16_master_weights_and_grads: refuse('keeps master weights in bfloat16'),
      bf16_optimizer_states: refuse('keeps optimizer states in bfloat16'),
    },
    fp16: {
      enabled: half,
      auto_cast: flag(),
      ...listed(
        'how the loss is scaled',
        'loss_scale initial_scale_power loss_scale_window hysteresis min_loss_scale consecutive_hysteresis',
      ),
      fp16_master_weights_and_grads: refuse('keeps master weights in float16'),
    },
    torch_autocast: {
      enabled: refuse('casts inside the engine'),
      dtype: ignore('belongs to enabled'),
      lower_precision_safe_modules: ignore('belongs to enabled'),
    },
    optimizer: {
      type: OPTIMIZER,
      params: ignore('how weights move, no shapes'),
      legacy_fusion: ignore('how kernels are built'),
    },
    zero_optimization: {
      stage: count(),
      offload_optimizer: OFFLOAD,
      offload_param: OFFLOAD,
      ...listed(
        'buffers of what devices send each other: the size of the stage is read',
        'allgather_bucket_size allgather_partitions contiguous_gradients overlap_comm reduce_bucket_size reduce_scatter round_robin_gradients sub_group_size max_live_parameters max_reuse_distance prefetch_bucket_size param_persistence_threshold stage3_max_live_parameters stage3_max_reuse_distance stage3_param_persistence_threshold stage3_prefetch_bucket_size model_persistence_threshold stage3_model_persistence_threshold use_all_reduce_for_fetch_params stage3_use_all_reduce_for_fetch_params module_granularity_threshold stage3_module_granularity_threshold load_from_fp32_weights elastic_checkpoint gather_16bit_weights_on_model_save stage3_gather_16bit_weights_on_model_save stage3_gather_fp16_weights_on_model_save ignore_unused_parameters legacy_stage1 override_module_apply log_trace_cache_warnings memory_efficient_linear pipeline_loading_checkpoint enable_sanity_checks use_multi_rank_bucket_allreduce allgather_sequential',
      ),
      cpu_offload: refuse('moves state to the host', { unless: 'zero' }),
      cpu_offload_params: refuse('moves state to the host', { unless: 'zero' }),
      zero_hpz_partition_size: refuse('a second partition', { off: [1] }),
      zero_quantized_weights: refuse('quantizes what is sent'),
      zero_quantized_nontrainable_weights: refuse('quantizes what is frozen'),
      zero_quantized_gradients: refuse('quantizes what is sent'),
      mics_shard_size: refuse('another sharding', { off: [-1] }),
      mics_hierarchical_params_gather: refuse('another sharding'),
      zenflow: refuse('another optimizer step'),
    },
  },
  ignored: {
    'how weights move, no shapes': 'scheduler',
    'clipping scales gradients in place': 'gradient_clipping',
    [COMMUNICATION]:
      'communication_data_type seq_parallel_communication_data_type prescale_gradients gradient_predivide_factor sparse_gradients disable_allgather dataloader_drop_last graph_harvesting use_node_local_storage',
    'what is logged':
      'steps_per_print wall_clock_breakdown memory_breakdown dump_state tensorboard wandb csv_monitor comet monitor_config comms_logger comms_config flops_profiler',
    'which optimizers are let through': 'zero_allow_untested_optimizer zero_force_ds_cpu_optimizer',
    'what is saved': 'checkpoint nebula load_universal_checkpoint',
    'how it trains on another cluster': 'elasticity autotuning',
    'in transformers, gradient_checkpointing says it': 'activation_checkpointing',
    'how the host holds it': 'aio',
  },
  refused: {
    'changes the model while it trains':
      'compression_training sparse_attention progressive_layer_drop curriculum_learning curriculum_seqlen data_efficiency data_types quantize_training weight_quantization eigenvalue',
    'compiled code keeps other tensors': 'compile',
    'casts inside the engine': 'amp zero_quantization',
    'splits the model another way': 'tensor_parallel pipeline sequence_parallel_size data_parallel_size hybrid_engine',
  },
  conclude(file) {
    const stage = file.number('zero_optimization.stage') ?? 0
    if (stage > 0) file.set('zero', stage, 'zero_optimization.stage')
    for (const [key, dtype] of [
      ['bf16', 'bfloat16'],
      ['fp16', 'float16'],
    ] as const) {
      if (!file.on(`${key}.enabled`)) continue
      file.set('dtype', dtype, `${key}.enabled`)
      if (stage === 0)
        file.refuse(
          `${key}.enabled`,
          'without a stage DeepSpeed still keeps a float32 copy of what trains; that is not modelled',
          { unless: 'dtype' },
        )
    }
    const total = file.number('train_batch_size')
    if (total !== undefined && !file.isSet('batch_size'))
      file.refuse(
        'train_batch_size',
        'is for all devices and micro-steps together, and train_micro_batch_size_per_gpu is missing',
        {
          next: 'Say --batch-size for one device.',
          unless: 'batch_size',
        },
      )
  },
}

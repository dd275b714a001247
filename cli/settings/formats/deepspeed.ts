import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { count, flag, ignore, type Keys, numeric, type Rule, refuse, text, to, truth } from './rule.ts'
import { concludeZero } from './zero.ts'

const COMMUNICATION = 'between devices'
const OFFLOAD: Keys = {
  device: text(),
  ratio: refuse('keeps a part of the state on the device', { off: [1] }),
  ...listed('how the host holds it', 'pin_memory buffer_count buffer_size fast_init nvme_path max_in_cpu'),
  ...listed('how the host holds it', 'pipeline pipeline_read pipeline_write'),
}
/** A number of elements that the Trainer fills in where it is `auto`. */
const size: Rule = (value) => (value === 'auto' ? { kind: 'noted', value } : count()(value))
/** true, false, or `auto`, which DeepSpeed takes for its default. */
const switched: Rule = (value) => (value === 'auto' ? { kind: 'noted', value } : flag()(value))

/** Off, `auto`, or the type that weights are copied to. */
const half: Rule = (value) => (value === 'auto' ? { kind: 'noted', value: 'auto' } : flag()(value))

const OPTIMIZER: Rule = (value) => {
  const name = typeof value === 'string' ? value.toLowerCase() : ''
  if (name === 'adam' || name === 'adamw') return { kind: 'sets', options: { optimizer: 'adamw' } }
  return name === ''
    ? { kind: 'wrong', expected: 'the name of an optimizer' }
    : { kind: 'refused', message: "DeepSpeed's own optimizer is not modelled", unless: 'optimizer' }
}

function listed(reason: string, keys: string): Keys {
  return Object.fromEntries(keys.split(' ').map((key) => [key, ignore(reason)]))
}

/** Names of stage 3, and the same without it (runtime/zero/config.py, `alias` and `populate_by_name`). */
const twice = (keys: string): Keys =>
  Object.fromEntries(
    keys.split(' ').flatMap((key): [string, Rule][] => [
      [key, size],
      [`stage3_${key}`, size],
    ]),
  )

/** Zero turns clipping off. */
const CLIPPING: Rule = (value) => {
  const most = numeric(value)
  if (value === 'auto') return { kind: 'ignored', reason: 'auto: the Trainer clips at 1' }
  return most === undefined ? { kind: 'wrong', expected: 'a number' } : { kind: 'noted', value: most }
}

/** `torch_adam` takes PyTorch's AdamW, in another implementation than the Trainer's. */
const PARAMS: Rule = (value) =>
  typeof value === 'object' && value !== null && 'torch_adam' in value && truth(value.torch_adam) === true
    ? { kind: 'refused', message: "PyTorch's AdamW by DeepSpeed's name is not modelled", unless: 'optimizer' }
    : { kind: 'ignored', reason: 'how weights move, no shapes' }

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
      params: PARAMS,
      legacy_fusion: ignore('how kernels are built'),
    },
    gradient_clipping: CLIPPING,
    zero_optimization: {
      stage: count(),
      offload_optimizer: OFFLOAD,
      offload_param: OFFLOAD,
      ...twice(
        'prefetch_bucket_size param_persistence_threshold model_persistence_threshold max_live_parameters max_reuse_distance',
      ),
      reduce_bucket_size: size,
      sub_group_size: size,
      contiguous_gradients: switched,
      overlap_comm: switched,
      reduce_scatter: switched,
      round_robin_gradients: switched,
      use_multi_rank_bucket_allreduce: switched,
      memory_efficient_linear: switched,
      ...listed(
        'how parts are sent, loaded and saved',
        'allgather_bucket_size allgather_partitions use_all_reduce_for_fetch_params stage3_use_all_reduce_for_fetch_params load_from_fp32_weights elastic_checkpoint gather_16bit_weights_on_model_save stage3_gather_16bit_weights_on_model_save stage3_gather_fp16_weights_on_model_save ignore_unused_parameters legacy_stage1 override_module_apply log_trace_cache_warnings pipeline_loading_checkpoint enable_sanity_checks allgather_sequential stage3_allgather_sequential cpu_offload_use_pin_memory',
      ),
      module_granularity_threshold: refuse('gathers modules together'),
      stage3_module_granularity_threshold: refuse('gathers modules together'),
      cpu_offload: refuse('is the former word for offload_optimizer', { unless: 'zero_offload' }),
      cpu_offload_param: refuse('is the former word for offload_param', { unless: 'zero_offload' }),
      cpu_offload_params: refuse('is the former word for offload_param', { unless: 'zero_offload' }),
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
    // the Trainer's mixed precision has to be the same; the engine casts every weight to it
    for (const [key, dtype] of [
      ['bf16', 'bfloat16'],
      ['fp16', 'float16'],
    ] as const)
      if (file.on(`${key}.enabled`)) file.set('autocast', dtype, `${key}.enabled`)
    concludeZero(file, stage, {
      stage: 'zero_optimization.stage',
      offload: {
        optimizer: 'zero_optimization.offload_optimizer.device',
        parameters: 'zero_optimization.offload_param.device',
      },
      all: 'zero_optimization',
      valueOf: (key) => saidOf(file, key),
    })
    devices(file)
  },
}

/** The value of a key that `--zero-options` knows; stage 3's also by its name without the stage. */
function saidOf(file: Reading, key: string): unknown {
  if (key === 'gradient_clipping') return file.raw(key)
  if (key === 'optimizer') return file.isSet('optimizer') ? 'AdamW' : undefined
  return file.raw(`zero_optimization.${key}`) ?? file.raw(`zero_optimization.${key.replace('stage3_', '')}`)
}

/** A batch of all devices and micro-steps together says how many devices there are, beside a micro-batch and micro-steps. */
function devices(file: Reading): void {
  const total = file.number('train_batch_size')
  if (total === undefined) return
  const micro = file.number('train_micro_batch_size_per_gpu')
  const steps = file.number('gradient_accumulation_steps')
  if (micro === undefined) {
    const message = 'is for all devices and micro-steps together, and train_micro_batch_size_per_gpu is missing'
    file.refuse('train_batch_size', message, { next: 'Say --batch-size for one device.', unless: 'batch_size' })
  } else if (steps !== undefined) {
    const count = total / (micro * steps)
    if (Number.isInteger(count) && count >= 1) file.set('gpus', count, 'train_batch_size')
    else
      file.wrong('train_batch_size', total, `a multiple of ${micro} × ${steps}: of micro-batch and micro-steps`, 'gpus')
  }
}

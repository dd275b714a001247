import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { count, flag, ignore, type Keys, refuse, text, to, word } from './rule.ts'
import { concludeZero } from './zero.ts'

const LOADING = 'how weights are loaded and saved'
const OVERLAP = 'when devices send: not modelled as memory'

const FSDP: Keys = {
  fsdp_version: count(1),
  fsdp_sharding_strategy: text(),
  fsdp_reshard_after_forward: (value) =>
    typeof value === 'boolean' || typeof value === 'string'
      ? { kind: 'noted', value }
      : { kind: 'wrong', expected: 'true, false or a strategy' },
  fsdp_offload_params: flag(),
  fsdp_activation_checkpointing: flag(),
  fsdp_auto_wrap_policy: word({
    TRANSFORMER_BASED_WRAP: { fsdp_wrap: 'layers' },
    NO_WRAP: { fsdp_wrap: 'none' },
    SIZE_BASED_WRAP: 'groups of parameters by their number are not modelled',
  }),
  fsdp_transformer_layer_cls_to_wrap: ignore('belongs to the strategy'),
  fsdp_min_num_params: ignore('belongs to the strategy'),
  fsdp_backward_prefetch: ignore(OVERLAP),
  fsdp_backward_prefetch_policy: ignore(OVERLAP),
  fsdp_forward_prefetch: ignore(OVERLAP),
  fsdp_limit_all_gathers: ignore(OVERLAP),
  fsdp_use_orig_params: ignore('how parameters are named'),
  fsdp_state_dict_type: ignore(LOADING),
  fsdp_cpu_ram_efficient_loading: ignore(LOADING),
  fsdp_sync_module_states: ignore(LOADING),
  fsdp_ignored_modules: refuse('leaves modules out'),
}

const DEEPSPEED: Keys = {
  zero_stage: count(),
  gradient_accumulation_steps: to('gradient_accumulation'),
  gradient_clipping: ignore('clipping scales gradients in place'),
  deepspeed_config_file: (value) => ({ kind: 'noted', value }),
  offload_optimizer_device: text(),
  offload_param_device: text(),
  offload_optimizer_nvme_path: ignore('how the host holds it'),
  offload_param_nvme_path: ignore('how the host holds it'),
  zero3_init_flag: ignore(LOADING),
  zero3_save_16bit_model: ignore(LOADING),
  deepspeed_multinode_launcher: ignore('how processes start'),
  deepspeed_hostfile: ignore('how processes start'),
  deepspeed_exclusion_filter: ignore('how processes start'),
  deepspeed_inclusion_filter: ignore('how processes start'),
  deepspeed_moe_layer_cls_names: ignore('for mixtures of experts'),
  seq_parallel_communication_data_type: ignore(OVERLAP),
}

const ONE = (option: 'tp' | null) => (value: unknown) =>
  value === 1
    ? ignore('1: no split')(value)
    : option === null
      ? refuse('splits the model another way')(value)
      : to(option)(value)

/** What `accelerate config` writes and `accelerate launch --config_file` takes. */
export const accelerate: Format = {
  name: 'accelerate',
  title: 'accelerate',
  source: 'accelerate 1.15: commands/config/config_args.py',
  marks: [
    ['compute_environment'],
    ['distributed_type'],
    ['mixed_precision', 'num_processes'],
    ['fsdp_config', 'num_processes'],
  ],
  keys: {
    distributed_type: word({ NO: {}, MULTI_GPU: {}, FSDP: {}, DEEPSPEED: {} }, [
      'MULTI_CPU',
      'MULTI_XPU',
      'MULTI_NPU',
      'MULTI_MLU',
      'MULTI_SDAA',
      'MULTI_MUSA',
      'MULTI_HPU',
      'MULTI_NEURON',
      'XLA',
      'TPU',
      'MEGATRON_LM',
      'TP',
    ]),
    mixed_precision: word(
      {
        no: { autocast: 'none' },
        false: { autocast: 'none' },
        bf16: { autocast: 'bfloat16' },
        fp16: { autocast: 'float16' },
      },
      ['fp8'],
    ),
    num_processes: count(1),
    num_machines: count(1),
    gradient_accumulation_steps: to('gradient_accumulation'),
    use_cpu: refuse('does not train on a device'),
    fsdp_config: FSDP,
    deepspeed_config: DEEPSPEED,
    parallelism_config: {
      parallelism_config_dp_replicate_size: count(1),
      parallelism_config_dp_shard_size: count(1),
      parallelism_config_tp_size: ONE('tp'),
      parallelism_config_cp_size: ONE(null),
      parallelism_config_sp_size: ONE(null),
      parallelism_config_cp_comm_strategy: ignore(OVERLAP),
      parallelism_config_sp_backend: ignore(OVERLAP),
      parallelism_config_sp_seq_length: ignore(OVERLAP),
      parallelism_config_sp_seq_length_is_variable: ignore(OVERLAP),
      parallelism_config_sp_attn_implementation: ignore(OVERLAP),
    },
    dynamo_backend: refuse('compiled code keeps other tensors', { off: ['NO'] }),
    dynamo_config: refuse('compiled code keeps other tensors'),
    megatron_lm_config: refuse('another engine'),
    fp8_config: refuse('trains in 8-bit floats'),
    ipex_config: refuse('another device'),
    mpirun_config: ignore('how processes start'),
  },
  ignored: {
    'how processes start':
      'compute_environment machine_rank main_process_ip main_process_port main_training_function rdzv_backend same_network gpu_ids debug command_file commands enable_cpu_affinity mpirun_hostfile use_xpu use_mps_device log_with project_dir',
    'another cloud or device':
      'downcast_bf16 tpu_env tpu_name tpu_zone tpu_vm tpu_use_cluster tpu_use_sudo ec2_instance_type iam_role_name profile region image_uri py_version pytorch_version transformers_version base_job_name sagemaker_inputs_file sagemaker_metrics_file additional_args',
  },
  conclude(file) {
    const devices = file.number('num_processes') ?? 1
    if (devices > 1) file.set('gpus', devices, 'num_processes')
    const kind = file.raw('distributed_type')
    if (kind === 'DEEPSPEED') zero(file)
    if (kind === 'FSDP') fsdp(file)
  },
}

/** Without a file of DeepSpeed accelerate writes one, with none of its sizes (utils/dataclasses.py, DeepSpeedPlugin). */
function zero(file: Reading): void {
  const named = file.text('deepspeed_config.deepspeed_config_file')
  if (named !== undefined && named !== 'none') {
    file.need('deepspeed', 'deepspeed_config.deepspeed_config_file', named)
    return
  }
  const stage = file.number('deepspeed_config.zero_stage')
  if (stage === undefined)
    file.warnings.push(`${file.place('deepspeed_config')}: without zero_stage accelerate takes 2`)
  concludeZero(file, stage ?? 2, {
    stage: 'deepspeed_config.zero_stage',
    offload: {
      optimizer: 'deepspeed_config.offload_optimizer_device',
      parameters: 'deepspeed_config.offload_param_device',
    },
    all: 'deepspeed_config',
    valueOf: () => undefined,
  })
}

/** accelerate takes FSDP 1 where the file names no version; its flat parameters are other storages. */
function version(file: Reading, strategy: string): void {
  if (file.number('fsdp_config.fsdp_version') === 2) return
  const where = file.raw('fsdp_config.fsdp_version') === undefined ? strategy : 'fsdp_config.fsdp_version'
  const next = 'Say fsdp_version: 2, or --fsdp full_shard for what version 2 takes.'
  file.refuse(where, 'is FSDP 1, whose flat parameters are not modelled', { next, unless: 'fsdp' })
}

/** A hybrid's copies (parallelism_config). */
function replicas(file: Reading): void {
  const copies = file.number('parallelism_config.parallelism_config_dp_replicate_size') ?? 1
  const devices = file.number('num_processes') ?? 1
  if (copies === 1) return
  const key = 'parallelism_config.parallelism_config_dp_replicate_size'
  const [strategy, ...offload] = String(file.values.fsdp).split(' ')
  const hybrid = strategy === 'shard_grad_op' ? 'hybrid_shard_zero2' : 'hybrid_shard'
  file.set('fsdp', [hybrid, ...offload].join(' '), key)
  file.set('gpus_per_node', devices / copies, key)
}

/** FSDP 1 names a strategy, by word or number; FSDP 2 says whether parameters are sharded again after the forward. */
function fsdp(file: Reading): void {
  const strategies: Readonly<Record<string, string>> = { '1': 'FULL_SHARD', '2': 'SHARD_GRAD_OP', '3': 'NO_SHARD' }
  const named = file.text('fsdp_config.fsdp_sharding_strategy')
  const reshard = file.raw('fsdp_config.fsdp_reshard_after_forward')
  const word = named ?? (reshard === false || reshard === 'false' ? 'SHARD_GRAD_OP' : String(reshard ?? 'FULL_SHARD'))
  const strategy = strategies[word] ?? (word === 'true' ? 'FULL_SHARD' : word)
  const key = named === undefined ? 'fsdp_config.fsdp_reshard_after_forward' : 'fsdp_config.fsdp_sharding_strategy'
  const offload = file.on('fsdp_config.fsdp_offload_params') ? ' offload' : ''
  if (strategy !== 'NO_SHARD') {
    file.set('fsdp', `${strategy.toLowerCase()}${offload}`, key)
    file.fallback('fsdp_wrap', 'none', 'accelerate wraps nothing without fsdp_auto_wrap_policy')
    version(file, key)
    replicas(file)
  }
  if (file.on('fsdp_config.fsdp_activation_checkpointing'))
    file.set('gradient_checkpointing', 'non-reentrant', 'fsdp_config.fsdp_activation_checkpointing')
}

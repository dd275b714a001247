import { devicesOf, type Launch, type LaunchFile, mixedOf, sharingOf } from './launch.ts'
import { type Value, yaml } from './write.ts'

const MIXED = { none: 'no', bfloat16: 'bf16', float16: 'fp16' } as const
const TYPES = { alone: 'NO', ddp: 'MULTI_GPU', fsdp: 'FSDP', zero: 'DEEPSPEED' } as const

/** What `accelerate launch --config_file` takes: the devices, and how they share the training. */
export function accelerateYaml(launch: Launch): LaunchFile {
  const sharing = sharingOf(launch)
  const nodes = sharing === 'fsdp' ? nodesOf(launch) : 1
  const text = yaml({
    compute_environment: 'LOCAL_MACHINE',
    debug: false,
    distributed_type: TYPES[sharing],
    downcast_bf16: 'no',
    enable_cpu_affinity: false,
    ...(nodes > 1 ? { main_process_ip: '127.0.0.1', main_process_port: 29500 } : {}),
    machine_rank: 0,
    main_training_function: 'main',
    // DeepSpeed's file says it, and accelerate takes it from one place only
    mixed_precision: sharing === 'zero' ? undefined : MIXED[mixedOf(launch)],
    num_machines: nodes,
    num_processes: devicesOf(launch),
    rdzv_backend: 'static',
    same_network: true,
    use_cpu: false,
    ...(sharing === 'fsdp' ? shards(launch) : {}),
    ...(sharing === 'zero'
      ? { deepspeed_config: { deepspeed_config_file: 'deepspeed.json', zero3_init_flag: launch.training.zero === 3 } }
      : {}),
  })
  return { name: 'accelerate.yaml', text }
}

/** Groups of devices that each hold everything between them. */
export const nodesOf = (launch: Launch): number =>
  /hybrid/.test(launch.training.fsdp ?? '') ? devicesOf(launch) / (launch.training.gpus_per_node ?? 8) : 1

/** FSDP 2 (accelerate/utils/dataclasses.py, FullyShardedDataParallelPlugin). TRL's gradient_checkpointing says what is checkpointed. */
function shards(launch: Launch): Readonly<Record<string, Value>> {
  const { fsdp = '', fsdp_wrap: wrap } = launch.training
  const nodes = nodesOf(launch)
  return {
    fsdp_config: {
      fsdp_version: 2,
      fsdp_reshard_after_forward: !/grad_op|zero2/.test(fsdp),
      fsdp_auto_wrap_policy: wrap === 'none' ? 'NO_WRAP' : 'TRANSFORMER_BASED_WRAP',
      fsdp_state_dict_type: 'SHARDED_STATE_DICT',
      fsdp_offload_params: fsdp.includes('offload'),
      fsdp_cpu_ram_efficient_loading: true,
      fsdp_activation_checkpointing: false,
    },
    ...(nodes > 1
      ? {
          parallelism_config: {
            parallelism_config_dp_replicate_size: nodes,
            parallelism_config_dp_shard_size: devicesOf(launch) / nodes,
          },
        }
      : {}),
  }
}

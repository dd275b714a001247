import { type Hardware, hasAdapter, isLoraFa, type Launch, type Launched, type LaunchFile, refuse } from './launch.ts'
import { sftScript, sftYaml } from './trainer.ts'
import { json, yaml } from './write.ts'

const MIXED: Readonly<Record<string, string>> = { bfloat16: 'bf16', float16: 'fp16' }
const mixedPrecision = ({ training }: Launch): string => MIXED[training.autocast ?? 'none'] ?? 'no'

/** The script and the setting that every launcher starts. */
const payload = (tool: string, launch: Launch, more: Readonly<Record<string, string>> = {}): LaunchFile[] => [
  sftYaml(tool, launch, more),
  sftScript(tool, launch),
]

const ONE_DEVICE = 'the prediction is for one device'
const sharded = (what: string): string => `${what} shards what the prediction counts whole on one device`

/** `trl sft --config sft.yaml`; LoRA-FA and other adapters than TRL's own need the script. */
export function trl(launch: Launch): Launched {
  const files = payload('trl', launch)
  const notes = isLoraFa(launch) ? ['`trl sft` itself has no LoRA-FA and would train A too: start train.py'] : []
  return { files, command: 'python train.py --config sft.yaml', notes }
}

/** `accelerate launch`: one device, or the same model on each of several. */
export function accelerate(launch: Launch): Launched {
  const config = accelerateConfig(launch, launch.hardware.devices > 1 ? 'MULTI_GPU' : 'NO')
  const files = [{ name: 'accelerate.yaml', text: yaml(config) }, ...payload('accelerate', launch)]
  const notes = launch.hardware.devices > 1 ? [`${ONE_DEVICE}: DDP adds its buckets of gradients on each`] : []
  return { files, command: 'accelerate launch --config_file accelerate.yaml train.py --config sft.yaml', notes }
}

/** FSDP 2 through accelerate. PEFT's float32 adapters stand beside weights of another type, so parameters keep their own. */
export function fsdp(launch: Launch): Launched {
  const config = {
    ...accelerateConfig(launch, 'FSDP'),
    fsdp_config: {
      fsdp_version: 2,
      fsdp_reshard_after_forward: !/grad_op|no_shard/i.test(launch.hardware.fsdp ?? ''),
      fsdp_auto_wrap_policy: 'TRANSFORMER_BASED_WRAP',
      fsdp_state_dict_type: 'SHARDED_STATE_DICT',
      fsdp_offload_params: false,
      fsdp_cpu_ram_efficient_loading: true,
      // TRL's gradient_checkpointing says it
      fsdp_activation_checkpointing: false,
    },
  }
  const files = [{ name: 'accelerate.yaml', text: yaml(config) }, ...payload('fsdp', launch)]
  return {
    files,
    command: 'accelerate launch --config_file accelerate.yaml train.py --config sft.yaml',
    notes: [sharded('FSDP')],
  }
}

function accelerateConfig({ hardware, ...launch }: Launch, kind: string) {
  return {
    compute_environment: 'LOCAL_MACHINE',
    debug: false,
    distributed_type: kind,
    downcast_bf16: 'no',
    enable_cpu_affinity: false,
    machine_rank: 0,
    main_training_function: 'main',
    mixed_precision: mixedPrecision({ hardware, ...launch }),
    num_machines: 1,
    num_processes: hardware.devices,
    rdzv_backend: 'static',
    same_network: true,
    use_cpu: false,
  }
}

/** DeepSpeed's JSON under the Trainer: "auto" takes the Trainer's own values. */
export function deepspeed(launch: Launch): Launched {
  const stage = stageOf(launch.hardware)
  if (stage === 3 && hasAdapter(launch) && (launch.training.checkpoint_keep ?? 'none') !== 'none')
    refuse(
      'deepspeed',
      '--checkpoint-keep',
      'under ZeRO 3: SFTTrainer checkpoints an adapter reentrantly',
      'Leave it out.',
    )
  const config = {
    train_micro_batch_size_per_gpu: launch.training.batch_size,
    gradient_accumulation_steps: launch.training.gradient_accumulation,
    train_batch_size: 'auto',
    gradient_clipping: 'auto',
    zero_optimization: {
      stage,
      overlap_comm: true,
      contiguous_gradients: true,
      ...(stage === 3 ? { stage3_gather_16bit_weights_on_model_save: true } : {}),
    },
    bf16: { enabled: 'auto' },
    fp16: { enabled: 'auto' },
    // PEFT's LoRA-FA optimizer is none of DeepSpeed's own
    ...(launch.training.optimizer === 'adamw' ? {} : { zero_allow_untested_optimizer: true }),
    steps_per_print: 100,
  }
  const notes = [
    stage === 0
      ? 'stage 0 shards nothing, and DeepSpeed keeps a float32 copy of what trains in half precision: not in the prediction'
      : sharded(`ZeRO ${stage}`),
    ...(stage === 3 && hasAdapter(launch) && launch.training.gradient_checkpointing === 'non-reentrant'
      ? ['under ZeRO 3 SFTTrainer turns checkpointing of an adapter to reentrant']
      : []),
  ]
  return {
    files: [
      { name: 'deepspeed.json', text: json(config) },
      ...payload('deepspeed', launch, { deepspeed: 'deepspeed.json' }),
    ],
    command: `deepspeed --num_gpus ${launch.hardware.devices} train.py --config sft.yaml`,
    notes,
  }
}

/** Stage 2 where several devices are asked for and nothing is said of a stage. */
const stageOf = ({ zero, devices }: Hardware): number => zero ?? (devices > 1 ? 2 : 0)

/** torchrun: DDP on the devices of one machine. */
export function torchrun(launch: Launch): Launched {
  const command = `torchrun --standalone --nproc_per_node ${launch.hardware.devices} train.py --config sft.yaml`
  const script = {
    name: 'launch.sh',
    text: `#!/usr/bin/env bash\nset -euo pipefail\ncd "$(dirname "$0")"\nexec ${command} "$@"\n`,
  }
  const notes = launch.hardware.devices > 1 ? [`${ONE_DEVICE}: DDP adds its buckets of gradients on each`] : []
  return { files: [script, ...payload('torchrun', launch)], command: 'bash launch.sh', notes }
}

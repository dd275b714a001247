import { accelerateYaml, nodesOf } from './accelerate-yaml.ts'
import { deepSpeedJson, isUnclipped } from './deepspeed-json.ts'
import {
  devicesOf,
  hasAdapter,
  isLoraFa,
  type Launch,
  type Launched,
  type LaunchFile,
  refuse,
  requireSharing,
  sharingOf,
} from './launch.ts'
import { sftScript, sftYaml } from './trainer.ts'
import type { Value } from './write.ts'

/** The script and the setting that every launcher starts. */
const payload = (tool: string, launch: Launch, more: Readonly<Record<string, Value>> = {}): LaunchFile[] => [
  sftYaml(tool, launch, isUnclipped(launch) ? { ...more, max_grad_norm: 0 } : more),
  sftScript(tool, launch),
]

/** `trl sft --config sft.yaml`; LoRA-FA and other adapters than TRL's own need the script. */
export function trl(launch: Launch): Launched {
  requireSharing('trl', launch, ['alone'])
  const files = payload('trl', launch)
  const notes = isLoraFa(launch) ? ['`trl sft` itself has no LoRA-FA and would train A too: start train.py'] : []
  return { files, command: 'python train.py --config sft.yaml', notes }
}

const ACCELERATE = 'accelerate launch --config_file accelerate.yaml train.py --config sft.yaml'

/** `accelerate launch`: one device or several, in whole copies, in shards, or under ZeRO. */
export function accelerate(launch: Launch): Launched {
  requireSharing('accelerate', launch, ['alone', 'ddp', 'fsdp', 'zero'])
  return accelerated('accelerate', launch)
}

/** FSDP 2 through accelerate. PEFT's float32 adapters stand beside weights of another type, so parameters keep their own. */
export function fsdp(launch: Launch): Launched {
  if (sharingOf(launch) !== 'fsdp')
    refuse('fsdp', '--fsdp', 'is missing: shards are what it is for', 'Say --gpus N --fsdp full_shard.')
  return accelerated('fsdp', launch)
}

function accelerated(tool: string, launch: Launch): Launched {
  const zero = sharingOf(launch) === 'zero'
  const nodes = nodesOf(launch)
  return {
    files: [accelerateYaml(launch), ...(zero ? [zeroJson(tool, launch)] : []), ...payload(tool, launch)],
    command: ACCELERATE,
    notes: [
      ...(nodes > 1 ? [`start it on each of ${nodes} machines, with machine_rank and main_process_ip of its own`] : []),
      ...(zero ? reentrance(launch) : []),
    ],
  }
}

/** DeepSpeed's launcher, and its JSON under the Trainer. */
export function deepspeed(launch: Launch): Launched {
  const config = zeroJson('deepspeed', launch)
  return {
    files: [config, ...payload('deepspeed', launch, { deepspeed: config.name })],
    command: `deepspeed --num_gpus ${devicesOf(launch)} train.py --config sft.yaml`,
    notes: reentrance(launch),
  }
}

function zeroJson(tool: string, launch: Launch): LaunchFile {
  const { zero, checkpoint_keep: keep = 'none' } = launch.training
  if (zero === 3 && hasAdapter(launch) && keep !== 'none')
    refuse(tool, '--checkpoint-keep', 'under ZeRO 3: SFTTrainer checkpoints an adapter reentrantly', 'Leave it out.')
  return deepSpeedJson(tool, launch)
}

const reentrance = (launch: Launch): string[] =>
  launch.training.zero === 3 && hasAdapter(launch) && launch.training.gradient_checkpointing === 'non-reentrant'
    ? ['under ZeRO 3 SFTTrainer turns checkpointing of an adapter to reentrant']
    : []

/** torchrun: DDP on the devices of one machine. */
export function torchrun(launch: Launch): Launched {
  requireSharing('torchrun', launch, ['alone', 'ddp'])
  const command = `torchrun --standalone --nproc_per_node ${devicesOf(launch)} train.py --config sft.yaml`
  const script = {
    name: 'launch.sh',
    text: `#!/usr/bin/env bash\nset -euo pipefail\ncd "$(dirname "$0")"\nexec ${command} "$@"\n`,
  }
  return { files: [script, ...payload('torchrun', launch)], command: 'bash launch.sh', notes: [] }
}

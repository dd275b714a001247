import type { TrainingSetting } from '../../planner/result/common.ts'
import { Refusal } from '../../planner/trace/errors.ts'

/** What is to be started: a model as its repository or path, and a setting with every default filled in. */
export interface Launch {
  readonly model: string
  readonly training: TrainingSetting
}

/** How devices share the training: nobody, whole copies, FSDP 2's shards, or DeepSpeed's ZeRO. */
export type Sharing = 'alone' | 'ddp' | 'fsdp' | 'zero'

export const devicesOf = ({ training }: Launch): number => training.gpus ?? 1

export function sharingOf({ training: { gpus = 1, zero, fsdp } }: Launch): Sharing {
  if (zero !== undefined) return 'zero'
  return fsdp !== undefined ? 'fsdp' : gpus > 1 ? 'ddp' : 'alone'
}

/** A file to write beside the others. */
export interface LaunchFile {
  readonly name: string
  readonly text: string
}

/** Files of one tool, how they are started, and what they do otherwise than was predicted. */
export interface Launched {
  readonly files: readonly LaunchFile[]
  readonly command: string
  readonly notes: readonly string[]
}

export const isLoraFa = ({ training }: Launch): boolean => training.method === 'lora-fa'
export const hasAdapter = ({ training }: Launch): boolean => training.rank !== undefined
export const isQuantized = ({ training }: Launch): boolean =>
  training.quantize !== undefined && training.quantize !== 'none'

/** What a tool has no words for. @throws Refusal always */
export function refuse(tool: string, flag: string, message: string, next: string): never {
  throw new Refusal('not-in-tool', `--emit ${tool}`, `${flag} ${message}`, next)
}

const SAID: Readonly<Record<Sharing, (launch: Launch) => readonly [flag: string, what: string, next: string]>> = {
  alone: () => ['--gpus', 'is missing: one device shares with nobody', 'Say --gpus N, or --emit trl.'],
  ddp: (launch) => ['--gpus', `${devicesOf(launch)}: it starts one process`, 'Say --emit accelerate or torchrun.'],
  fsdp: () => ['--fsdp', 'is not what it starts', 'Say --emit fsdp or accelerate.'],
  zero: ({ training }) => ['--zero', `${training.zero} is not what it starts`, 'Say --emit deepspeed or accelerate.'],
}

/** For a tool that starts the devices in some ways only. @throws Refusal */
export function requireSharing(tool: string, launch: Launch, ways: readonly Sharing[]): void {
  const sharing = sharingOf(launch)
  if (!ways.includes(sharing)) refuse(tool, ...SAID[sharing](launch))
  if (launch.training.ddp_bucket_views)
    refuse(tool, '--ddp-bucket-views', 'has no name in the Trainer', 'Leave it out.')
}

/** For a tool that is told of none of the fused losses and kernels. @throws Refusal */
export function requireOwnKernels(tool: string, { training }: Launch): void {
  const { fused_loss: loss = 'none', fused_kernels: kernels = 'none' } = training
  const next = 'Leave it out, or say --emit peft, whose script it is applied to by hand.'
  if (loss !== 'none') refuse(tool, '--fused-loss', `${loss} is not written for it`, next)
  if (kernels !== 'none') refuse(tool, '--fused-kernels', `${kernels} is not written for it`, next)
}

/** The mixed precision that the Trainer is told of: under ZeRO the type to which the engine casts every weight. */
export function mixedOf(launch: Launch): 'none' | 'bfloat16' | 'float16' {
  const { autocast = 'none', dtype } = launch.training
  const type = sharingOf(launch) === 'zero' && autocast === 'none' ? dtype : autocast
  return type === 'bfloat16' || type === 'float16' ? type : 'none'
}

/** Learning rates are no matter of memory; these are the ones that the tools' examples begin with. */
export const learningRate = (launch: Launch): number => (hasAdapter(launch) ? 0.0002 : 0.00002)

/** A dtype as torch, YAML of transformers and bitsandbytes name it. */
export const torchType = (name: string): string => `torch.${name}`

/** The Trainer's name of the optimizer (transformers/training_args.py, OptimizerNames). @throws Refusal */
export function trainerOptimizer(tool: string, { training }: Launch): string {
  const { optimizer, optimizer_impl: impl } = training
  const names: Readonly<Record<string, string>> = {
    'adamw fused': 'adamw_torch_fused',
    'adamw foreach': 'adamw_torch',
    'sgd foreach': 'sgd',
    // another optimizer is handed to the Trainer by the script
    'lorafa for-loop': 'adamw_torch',
  }
  const plain: Readonly<Record<string, string>> = {
    'adamw-8bit': 'adamw_bnb_8bit',
    'paged-adamw-8bit': 'paged_adamw_8bit',
    adafactor: 'adafactor',
  }
  const name = names[`${optimizer} ${impl}`] ?? plain[optimizer]
  return (
    name ??
    refuse(tool, '--optimizer-impl', `${impl} of ${optimizer} has no name in the Trainer`, 'Say fused or foreach.')
  )
}

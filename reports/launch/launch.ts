import type { TrainingSetting } from '../../planner/result/common.ts'
import { Refusal } from '../../planner/trace/errors.ts'

/** What is to be started: a model as its repository or path, and a setting with every default filled in. */
export interface Launch {
  readonly model: string
  readonly training: TrainingSetting
  readonly hardware: Hardware
}

/** Where it is to run. */
export interface Hardware {
  readonly devices: number
  /** ZeRO's stage, for launchers that shard. */
  readonly zero?: number | undefined
  /** FSDP's strategy. */
  readonly fsdp?: string | undefined
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

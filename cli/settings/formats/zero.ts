import { type AUTO_KEYS, zeroKeysOf } from '../../../planner/training/zero-options.ts'
import type { FlagKey } from '../../flags.ts'
import type { Reading } from './reading.ts'

/** DeepSpeed's own sizes, which hold where a file leaves out what the Trainer would fill in for `auto` (runtime/zero/config.py, 0.19.8). */
const DEFAULTS: Readonly<Record<(typeof AUTO_KEYS)[number], number>> = {
  reduce_bucket_size: 500_000_000,
  stage3_prefetch_bucket_size: 50_000_000,
  stage3_param_persistence_threshold: 100_000,
}

/** Which keys of a file say what ZeRO is. */
export interface ZeroPlaces {
  readonly stage: string
  /** What is kept on the host: `cpu`, `nvme` or `none`. */
  readonly offload: Readonly<Record<'optimizer' | 'parameters', string>>
  /** The key that stands for all others. */
  readonly all: string
  /** The value of a key of DeepSpeed's file, by its name there. */
  readonly valueOf: (key: string) => unknown
}

/** Sets ZeRO from what a file says, with DeepSpeed's defaults for what it leaves out; refuses what is not modelled. */
export function concludeZero(file: Reading, stage: number, places: ZeroPlaces): void {
  if (stage === 0) {
    const message = 'is no stage of ZeRO: DeepSpeed shards nothing then, and its engine without stages is not modelled'
    const next = 'Say --zero 1, 2 or 3 for what to predict instead.'
    file.refuse(places.stage, message, { next, unless: 'zero' })
    return
  }
  file.set('zero', stage, places.stage)
  const host = (['optimizer', 'parameters'] as const).filter((part) => onHost(file, places.offload[part]))
  const moved = host.filter((part) => part === 'optimizer' || stage === 3)
  if (moved.length < host.length)
    file.warnings.push(`${file.place(places.offload.parameters)}: DeepSpeed moves parameters at stage 3 alone`)
  if (moved.length > 0) file.set('zero_offload', moved, places.offload[moved[0]!])
  const words = zeroKeysOf(stage).flatMap((key) => wordOf(key, places.valueOf(key)))
  if (words.length > 0) file.set('zero_options', words, places.all)
}

/** Whether a part goes to the host. Disks are refused. */
function onHost(file: Reading, key: string): boolean {
  const device = file.text(key)
  if (device === undefined || device === 'none' || device === 'auto') return false
  if (device === 'cpu' || device === 'cpu:0') return true
  const flag: FlagKey = 'zero_offload'
  file.refuse(key, `is ${device}: what DeepSpeed keeps elsewhere than on the host is not modelled`, { unless: flag })
  return false
}

const isAuto = (key: string): key is (typeof AUTO_KEYS)[number] => Object.hasOwn(DEFAULTS, key)

/** `key=value` as `--zero-options` has it; nothing where the Trainer's value holds. */
function wordOf(key: string, value: unknown): string[] {
  if (value === undefined) return isAuto(key) ? [`${key}=${DEFAULTS[key]}`] : []
  return value === 'auto' ? [] : [`${key}=${String(value)}`]
}

import { flagOf, type TrainingOptions, type ZERO_OFFLOADS } from './options.ts'
import type { Zero } from './parallelism.ts'
import type { RefusalList } from './refusals.ts'
import { type DeepSpeedFile, zeroOf } from './zero.ts'

/** A key of DeepSpeed's file that changes what a rank allocates, and where its value stands in the setting. */
interface ZeroKey {
  readonly of: (zero: Zero) => number | boolean | string
  /** Of stage 3 alone, or of the others alone; without it of all. */
  readonly stages?: 'third' | 'others'
  /** Beside `zero_optimization`, not in it. */
  readonly outside?: true
}

/** Keys by their names in DeepSpeed's file (runtime/zero/config.py). Sizes are numbers of elements. */
const KEYS: Readonly<Record<string, ZeroKey>> = {
  reduce_bucket_size: { of: (z) => z.reduceBucket },
  contiguous_gradients: { of: (z) => z.contiguousGradients },
  overlap_comm: { of: (z) => z.overlapComm },
  reduce_scatter: { of: (z) => z.reduceScatter, stages: 'others' },
  use_multi_rank_bucket_allreduce: { of: (z) => z.multiRankReduce, stages: 'others' },
  round_robin_gradients: { of: (z) => z.roundRobin, stages: 'others' },
  stage3_prefetch_bucket_size: { of: (z) => z.stage3.prefetchBucket, stages: 'third' },
  stage3_param_persistence_threshold: { of: (z) => z.stage3.persistence, stages: 'third' },
  stage3_model_persistence_threshold: { of: (z) => z.stage3.modelPersistence, stages: 'third' },
  stage3_max_live_parameters: { of: (z) => z.stage3.maxLive, stages: 'third' },
  stage3_max_reuse_distance: { of: (z) => z.stage3.maxReuse, stages: 'third' },
  sub_group_size: { of: (z) => z.stage3.subGroup, stages: 'third' },
  memory_efficient_linear: { of: (z) => z.stage3.efficientLinear, stages: 'third' },
  gradient_clipping: { of: (z) => (z.clips ? 1 : 0), outside: true },
  optimizer: { of: (z) => (z.optimizer === 'deepspeed' ? 'AdamW' : 'none'), outside: true },
}

/** Names that `--zero-options` takes at a stage. */
export const zeroKeysOf = (stage: number): string[] =>
  Object.keys(KEYS).filter((key) => {
    const { stages } = KEYS[key]!
    return stages === undefined || stages === (stage === 3 ? 'third' : 'others')
  })

/** A part of DeepSpeed's file. */
export interface SaidOfZero {
  readonly zero_optimization: Readonly<Record<string, unknown>>
  readonly outside: Readonly<Record<string, unknown>>
}

/** Reads `key=value` words into DeepSpeed's file. What is wrong with them goes to `problems`. */
export function readZeroOptions(words: readonly string[], stage: number, problems: RefusalList): SaidOfZero {
  const inside: Record<string, unknown> = {}
  const outside: Record<string, unknown> = {}
  const known = zeroKeysOf(stage)
  for (const word of words) {
    const [key = '', text = '', ...more] = word.split('=')
    if (!known.includes(key)) {
      const message = `${key} is no key that counts at stage ${stage}; expected some of ${known.join(', ')}`
      problems.add('unknown-key', flagOf('zero_options'), message, 'Correct it, or leave it out.')
    } else if (more.length > 0 || !takes(key, text))
      problems.add(
        'wrong-value',
        flagOf('zero_options'),
        `${word} is not ${key}=${expected(key)}`,
        'Correct the value.',
      )
    else if (key in inside || key in outside)
      problems.add('conflict', flagOf('zero_options'), `says ${key} twice`, 'Say it once.')
    else if (KEYS[key]!.outside !== true) inside[key] = numberOrTruth(text)
    else if (key !== 'optimizer') outside[key] = numberOrTruth(text)
    else if (text !== 'none') outside[key] = { type: text }
  }
  return { zero_optimization: inside, outside }
}

const SIZE = /^\d+(?:\.\d+)?(?:e\+?\d+)?$/i

/** A setting with DeepSpeed's defaults: what type a key has is seen on it. */
const EXAMPLE = zeroOf({ zero_optimization: { stage: 3 } }, { hidden: 1, bf16: false, fp16: false, clipping: 1 })

const typeOf = (key: string): string => typeof KEYS[key]!.of(EXAMPLE)

const expected = (key: string): string =>
  ({ number: 'a number of elements', boolean: 'true or false' })[typeOf(key)] ?? 'AdamW or none'

function takes(key: string, text: string): boolean {
  const type = typeOf(key)
  if (type === 'boolean') return text === 'true' || text === 'false'
  if (type === 'string') return text === 'AdamW' || text === 'none'
  const number = Number(text)
  return SIZE.test(text) && Number.isSafeInteger(key === 'gradient_clipping' ? Math.ceil(number) : number)
}

const numberOrTruth = (text: string): unknown => (text === 'true' || text === 'false' ? text === 'true' : Number(text))

/** What the Trainer fills in where the file says `auto`. */
export const AUTO_KEYS = [
  'reduce_bucket_size',
  'stage3_prefetch_bucket_size',
  'stage3_param_persistence_threshold',
] as const

/** DeepSpeed's file of a setting; whatever it says nothing of is the Trainer's. */
export function fileOf(
  stage: 1 | 2 | 3,
  offload: NonNullable<TrainingOptions['zero_offload']>,
  { zero_optimization: inside, outside }: SaidOfZero,
): DeepSpeedFile {
  const auto = Object.fromEntries(AUTO_KEYS.map((key) => [key, 'auto']))
  return {
    bf16: { enabled: 'auto' },
    fp16: { enabled: 'auto' },
    gradient_clipping: 'auto',
    ...outside,
    zero_optimization: {
      stage,
      ...auto,
      ...(offload.includes('optimizer') ? { offload_optimizer: { device: 'cpu' } } : {}),
      ...(offload.includes('parameters') ? { offload_param: { device: 'cpu' } } : {}),
      ...inside,
    },
  }
}

/** `--zero-offload` and `--zero-options` of a setting. */
export interface ZeroWords {
  readonly zero_offload?: (typeof ZERO_OFFLOADS)[number][]
  readonly zero_options?: string[]
}

/** The setting's own words again: what of it is not the Trainer's. */
export function zeroOptionsOf(zero: Zero): ZeroWords {
  const auto = { hidden: zero.hidden, bf16: false, fp16: false, clipping: 1 }
  const plain = zeroOf(fileOf(zero.stage, [], { zero_optimization: {}, outside: {} }), auto)
  const offload = [
    ...(zero.optimizerPlace === 'host' ? (['optimizer'] as const) : []),
    ...(zero.parameterPlace === 'host' ? (['parameters'] as const) : []),
  ]
  const words = zeroKeysOf(zero.stage)
    .filter((key) => KEYS[key]!.of(zero) !== KEYS[key]!.of(plain))
    .map((key) => `${key}=${KEYS[key]!.of(zero)}`)
  return {
    ...(offload.length > 0 ? { zero_offload: offload } : {}),
    ...(words.length > 0 ? { zero_options: words } : {}),
  }
}

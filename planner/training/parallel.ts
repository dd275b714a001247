import type { ModelSpec } from '../../models/spec.ts'
import type { CheckpointMode } from '../ops/ops.ts'
import type { Chooser, Defaults } from './defaults.ts'
import { flagOf, type TrainingOptions } from './options.ts'
import type { DataParallel, FullySharded, Parallelism, Zero } from './parallelism.ts'
import type { RefusalList } from './refusals.ts'
import { splitOf, splitOptions } from './split.ts'
import { zeroOf } from './zero.ts'
import { fileOf, readZeroOptions, type ZeroWords, zeroOptionsOf } from './zero-options.ts'

/** What of a setting decides whether ranks can be predicted. */
interface Around {
  readonly options: TrainingOptions
  readonly model: ModelSpec
  readonly method: string
  readonly dtype: 'float32' | 'bfloat16' | 'float16'
  readonly autocast: 'none' | 'bfloat16' | 'float16'
  readonly checkpointing: CheckpointMode
  readonly optimizer: string
  readonly quantized: boolean
  readonly defaults: Defaults
}

/** The words of `--fsdp` that are strategies, and what they say. `no_shard` is DDP. */
const STRATEGIES: Readonly<Record<string, { readonly reshard: boolean; readonly hybrid: boolean } | null>> = {
  full_shard: { reshard: true, hybrid: false },
  shard_grad_op: { reshard: false, hybrid: false },
  hybrid_shard: { reshard: true, hybrid: true },
  hybrid_shard_zero2: { reshard: false, hybrid: true },
  no_shard: null,
}

/** The word of `--fsdp` for a strategy. */
export const strategyName = ({ reshard, replicas }: FullySharded): string =>
  Object.keys(STRATEGIES).find((name) => {
    const said = STRATEGIES[name]
    return said && said.reshard === reshard && said.hybrid === replicas > 1
  })!

/** How the setting is spread over devices; undefined for one. What does not go together goes to `problems`. */
export function parallelismOf(around: Around, chooser: Chooser, problems: RefusalList): Parallelism | undefined {
  const { options, defaults } = around
  const { fsdp, zero } = options
  for (const key of ['zero_offload', 'zero_options'] as const)
    if (zero === undefined && options[key] !== undefined)
      problems.add('conflict', flagOf(key), 'belongs to --zero', 'Say --zero 1, 2 or 3, or leave it out.')
  const split = splitOf(options, around.method, chooser, problems)
  const gpus = options.gpus ?? split?.gpus ?? 1
  if (zero !== undefined && fsdp !== undefined)
    problems.add('conflict', flagOf('zero'), 'and --fsdp are two ways to do the same', 'Leave one of them out.')
  if (!split && gpus === 1 && zero === undefined) {
    if (fsdp !== undefined)
      problems.add('conflict', flagOf('fsdp'), 'shares one device with nobody', 'Say --gpus N, or leave it out.')
    return undefined
  }
  if ('engine' in defaults) {
    problems.add('not-modelled', flagOf('gpus'), 'an engine runs on one device', 'Leave it out.')
    return undefined
  }
  if (split) return split
  if (zero !== undefined) return { gpus, rank: 0, data: deepSpeed(around, zero, chooser, problems) }
  const strategy = fsdp === undefined ? null : strategyOf(fsdp, problems)
  if (options.reference_model === true)
    refuse(problems, 'reference_model', 'is not modelled on several devices', 'Leave it out, or --gpus.')
  const data = strategy ? fullySharded(around, strategy, chooser, problems) : replicated(around, chooser, problems)
  chooser.note('figures', `of rank 0 of ${gpus}`, 'no rank holds more: shards are cut from the front')
  return { gpus, rank: 0, data }
}

const refuse = (problems: RefusalList, key: string, message: string, next: string): void =>
  problems.add('not-modelled', flagOf(key), message, next)

interface Strategy {
  readonly reshard: boolean
  readonly hybrid: boolean
  /** Parameters, gradients and state on the host, CPUOffloadPolicy. */
  readonly offload: boolean
}

/** Reads the words; null for copies on each device. */
function strategyOf(words: string, problems: RefusalList): Strategy | null {
  const given = words
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((w) => w !== '' && w !== 'auto_wrap')
  const [name = 'full_shard', ...more] = given.filter((w) => w !== 'offload')
  const found = more.length === 0 && Object.hasOwn(STRATEGIES, name) ? STRATEGIES[name] : undefined
  if (found !== undefined) return found && { ...found, offload: given.includes('offload') }
  const known = Object.keys(STRATEGIES).join(', ')
  problems.add('unknown-strategy', flagOf('fsdp'), `is ${words}; expected one of ${known}`, 'Correct the value.')
  return null
}

function fullySharded(
  { options, autocast, optimizer, quantized, defaults }: Around,
  { reshard, hybrid, offload }: Strategy,
  chooser: Chooser,
  problems: RefusalList,
): FullySharded {
  const { gpus = 1 } = options
  const one = 'Leave it out, or --fsdp.'
  if (!('stack' in defaults && defaults.stack.includes('torch-2.13+transformers-5')))
    refuse(
      problems,
      'fsdp',
      'is FSDP2 of torch 2.13 under transformers 5, which this stack is not',
      'Choose another --stack.',
    )
  if (quantized) refuse(problems, 'quantize', 'is not modelled in shards', one)
  if (options.fused_loss === 'liger')
    refuse(problems, 'fused_loss', 'reads the head outside its module, which shards do not allow', one)
  if (options.fused_kernels === 'foak') refuse(problems, 'fused_kernels', 'is not modelled in shards', one)
  if (optimizer !== 'adamw' && optimizer !== 'sgd')
    refuse(
      problems,
      'optimizer',
      `${optimizer} is not modelled over shards: its sums over whole tensors send more`,
      'Say adamw or sgd.',
    )
  if (autocast === 'float16')
    refuse(problems, 'autocast', 'float16 is not modelled in shards: its scaler is another', 'Say bfloat16.')
  const perNode = hybrid ? chooser.pick('gpus_per_node', { value: 8, from: 'a node of the usual kind' }) : gpus
  if (gpus % perNode !== 0 || (hybrid && gpus <= perNode)) {
    const message = `is ${gpus}; a hybrid shards within nodes of ${perNode} and copies between several`
    problems.add('conflict', flagOf('gpus'), message, 'Say a multiple, or --gpus-per-node.')
  }
  chooser.note(
    'FSDP',
    'version 2',
    "accelerate 1.15's groups: layers, embedding, norm and head; version 1's flat parameters are not modelled",
  )
  const wrap = chooser.pick('fsdp_wrap', { value: 'layers', from: "the Trainer's TRANSFORMER_BASED_WRAP" })
  if (autocast !== 'none')
    chooser.note(
      'mixed precision',
      "FSDP's policy",
      'accelerate enters no autocast region under FSDP 2; shards that train are float32',
    )
  return {
    kind: 'fsdp',
    reshard,
    replicas: gpus / perNode,
    wrap,
    offload,
    precision: autocast === 'none' ? null : autocast,
  }
}

/** A file of DeepSpeed that leaves to the Trainer all that it fills in (`auto`) and that the setting says nothing of. */
function deepSpeed(
  { options, model, dtype: weights, autocast, optimizer, checkpointing, quantized, defaults }: Around,
  stage: number,
  chooser: Chooser,
  problems: RefusalList,
): Zero {
  const one = 'Leave it out, or --zero.'
  if (stage === 0)
    refuse(problems, 'zero', '0 is not modelled: DeepSpeed keeps a float32 copy there too', 'Leave it out.')
  if (!('stack' in defaults && defaults.stack.includes('torch-2.13+transformers-5')))
    refuse(
      problems,
      'zero',
      'is deepspeed 0.19 under transformers 5, which this stack is not',
      'Choose another --stack.',
    )
  if (quantized) refuse(problems, 'quantize', 'is not modelled under ZeRO', one)
  if (optimizer !== 'adamw')
    refuse(problems, 'optimizer', `${optimizer} is not modelled on ZeRO's flat parts`, 'Say adamw.')
  if (options.reference_model === true) refuse(problems, 'reference_model', 'is not modelled under ZeRO', one)
  if (options.fused_kernels === 'foak') refuse(problems, 'fused_kernels', 'is not modelled under ZeRO', one)
  if (options.fused_loss === 'liger' && stage === 3)
    refuse(problems, 'fused_loss', 'reads the head outside its module, which stage 3 does not allow', one)
  if (checkpointing !== 'none')
    refuse(problems, 'gradient_checkpointing', 'is not held to a recording under ZeRO yet', one)
  const hidden = 'hidden' in model ? model.hidden : null
  if (hidden === null)
    refuse(problems, 'zero', `is not modelled for ${model.modelType}: its width is not known here`, 'Leave it out.')
  const dtype = autocast === 'none' ? weights : autocast
  const offload = options.zero_offload ?? []
  if (offload.includes('parameters') && stage !== 3)
    problems.add('conflict', flagOf('zero_offload'), 'moves parameters at stage 3 alone', 'Say --zero 3.')
  const said = readZeroOptions(options.zero_options ?? [], stage, problems)
  if (said.zero_optimization.memory_efficient_linear === false)
    refuse(
      problems,
      'zero_options',
      'memory_efficient_linear=false is not modelled: views of weights stay',
      'Leave it out.',
    )
  if (Object.keys(said.zero_optimization).length === 0)
    chooser.note(
      'DeepSpeed',
      "the Trainer's values for `auto`",
      'deepspeed 0.19.8: buckets of h², gradients clipped at 1',
    )
  chooser.note('weights', dtype, 'the engine casts every parameter, adapters too; what trains has a float32 part')
  chooser.note(
    'figures',
    `of the rank of ${options.gpus ?? 1} that holds most`,
    'parts are equal; which gradients a part takes depends on where it begins',
  )
  const half = { bf16: dtype === 'bfloat16', fp16: dtype === 'float16' }
  return zeroOf(fileOf(stage === 1 || stage === 2 ? stage : 3, offload, said), {
    hidden: hidden ?? 0,
    ...half,
    clipping: 1,
  })
}

/** `find_unused_parameters` is the Trainer's own choice (transformers/trainer.py, _build_accelerator_args). */
function replicated({ model, method, checkpointing }: Around, chooser: Chooser, problems: RefusalList): DataParallel {
  const findUnused = method !== 'full' || checkpointing === 'none'
  if (model.task === 'seq2seq-lm' && findUnused) {
    const message =
      "is not modelled for encoder-decoders: DDP copies all that the model returns, the encoder's states too"
    refuse(problems, 'gpus', message, 'Leave it out.')
  }
  chooser.note(
    'find_unused_parameters',
    String(findUnused),
    findUnused ? "the Trainer's, which has DDP copy what the model returns" : "the Trainer's with checkpointing",
  )
  const bucketViews = chooser.pick('ddp_bucket_views', { value: false, from: "DDP's default" })
  return { kind: 'ddp', bucketViews, findUnused }
}

type SharedOptions = Pick<
  TrainingOptions,
  'gpus' | 'zero' | 'fsdp' | 'fsdp_wrap' | 'gpus_per_node' | 'ddp_bucket_views' | 'tp' | 'pp'
> &
  ZeroWords

/** The setting's own words again. */
export function parallelOptions(parallelism: Parallelism): SharedOptions {
  const { gpus, data } = parallelism
  if (data.kind === 'alone') return { gpus, ...splitOptions(parallelism) }
  if (data.kind === 'ddp') return { gpus, ...(data.bucketViews ? { ddp_bucket_views: true } : {}) }
  if (data.kind === 'zero') return { gpus, zero: data.stage, ...zeroOptionsOf(data) }
  const words = data.offload ? `${strategyName(data)} offload` : strategyName(data)
  const perNode = data.replicas > 1 ? { gpus_per_node: gpus / data.replicas } : {}
  return { gpus, fsdp: words, fsdp_wrap: data.wrap, ...perNode }
}

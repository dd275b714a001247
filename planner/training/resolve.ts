import type { ModelSpec } from '../../models/spec.ts'
import type { TrainingSetting } from '../result/common.ts'
import { adapterSpec, warnUnused } from './adapter.ts'
import {
  type Assumption,
  Chooser,
  type Defaults,
  defaultAttention,
  defaultDtype,
  defaultImpl,
  defaultLength,
  hasLoraFa,
  hasPackedDora,
  hasPositionTable,
  hasSdpa,
} from './defaults.ts'
import { expandMethod } from './methods.ts'
import { refuseNotModelled } from './modelled.ts'
import { flagOf, type TrainingOptions } from './options.ts'
import { parallelismOf, parallelOptions } from './parallel.ts'
import { RefusalList } from './refusals.ts'
import { selectiveOf } from './selective.ts'
import { ATTENTIONS, METHODS, OPTIMIZERS, type TrainSpec } from './spec.ts'

/** A setting with every default filled in, in the planner's form and in the form that is printed. */
export interface ResolvedTraining {
  readonly train: TrainSpec
  readonly setting: TrainingSetting
  /** Every value that nobody gave, and whose default it is. */
  readonly assumptions: Assumption[]
  readonly warnings: string[]
}

/**
 * Fills in what a person left out with the stack's own defaults, and writes each one down.
 *
 * @throws Refusals with everything that does not hold together or is not modelled yet
 */
export function resolveTraining(model: ModelSpec, asked: TrainingOptions, defaults: Defaults): ResolvedTraining {
  const problems = new RefusalList()
  refuseNotModelled(asked, problems)
  const chooser = new Chooser(asked)
  const options = expandMethod(asked, chooser)
  const method = member(METHODS, options.method ?? chooser.pick('method', { value: 'lora', from: "PEFT's LoraConfig" }))
  const batch = chooser.pick('batch_size', { value: 1, from: "tidemark's default" })
  const tokens = chooser.pick('seq_len', defaultLength(model))
  const targetTokens = targetLength(model, options, chooser, problems, tokens)
  const dtype = chooser.pick('dtype', defaultDtype(model, defaults))
  const autocast = chooser.pick('autocast', { value: 'none', from: "the Trainer's default" })
  const attention = member(ATTENTIONS, chooser.pick('attention', defaultAttention(model, defaults)))
  const optimizer = member(OPTIMIZERS, chooser.pick('optimizer', { value: 'adamw', from: "the Trainer's default" }))
  const optimizerImpl = chooser.pick('optimizer_impl', defaultImpl(optimizer, defaults))
  const checkpointing = chooser.pick('gradient_checkpointing', { value: 'none', from: "the Trainer's default" })
  const accumulation = chooser.pick('gradient_accumulation', { value: 1, from: "the Trainer's default" })
  const adapter = method === 'full' ? null : adapterSpec(model, options, chooser, problems, defaults)
  if (options.task === undefined) chooser.note('task', model.task, taskFrom(model))

  const warnings = method === 'full' ? warnUnused(options) : []
  checkLength(model, 'seq_len', tokens, problems, warnings)
  if (model.task === 'seq2seq-lm') checkLength(model, 'target_seq_len', targetTokens, problems, warnings)
  if (attention === 'sdpa' && !hasSdpa(model, defaults)) {
    const message = `sdpa does not exist for ${model.modelType} in this stack`
    problems.add('not-in-stack', flagOf('attention'), message, 'Say eager.')
  }
  checkOptimizer(method, optimizer, optimizerImpl, problems)
  if (optimizer === 'lorafa' && !hasLoraFa(defaults)) {
    const message = "lorafa, PEFT's LoraFAOptimizer, does not exist in this stack"
    problems.add('not-in-stack', flagOf('optimizer'), message, 'Say adamw, or choose a newer --stack.')
  }
  if (model.family === 'bart' && attention === 'sdpa')
    chooser.note(
      'decoder mask',
      'made',
      'modeling_bart.py gives one of ones; where its values are read sdpa goes without',
    )
  if (optimizer === 'paged-adamw-8bit')
    chooser.note(
      'paged state',
      'managed memory',
      'moments of 100000 elements and more lie there, outside the allocator and not counted; they move to the device while it has room',
    )
  const reference = options.reference_model === true
  if (reference && method === 'full') {
    const message = 'full fine-tuning has no adapter to disable; a second model beside it is not modelled'
    problems.add('not-modelled', flagOf('reference_model'), message, 'Leave it out, or say --method lora or lora-fa.')
  }
  const quantize = quantization(options, method, defaults, problems)
  if (quantize?.kind === 'int8')
    chooser.note('outlier columns', 'none', "LLM.int8()'s threshold; what outliers add depends on the numbers")
  if (quantize && model.task === 'sequence-classification')
    chooser.note('classifier', 'not quantized', 'as llm_int8_skip_modules asks; transformers 5 packs it too otherwise')
  const selective = selectiveOf(options, { checkpointing, attention }, defaults, problems)
  const parallelism = parallelismOf(
    { options, model, method, dtype, autocast, checkpointing, optimizer, defaults, quantized: quantize !== undefined },
    chooser,
    problems,
  )
  if (parallelism && Object.keys(selective).length > 0) {
    const message = 'a checkpoint of some layers or operations is not recorded on several devices'
    problems.add('not-modelled', flagOf('gpus'), message, 'Leave one of the two out.')
  }
  problems.throwIfAny()

  const train: TrainSpec = {
    method,
    batch,
    tokens,
    targetTokens,
    dtype,
    // FSDP2 has a policy of its own in place of an autocast region, DeepSpeed casts the weights
    autocast: parallelism?.data.kind === 'fsdp' || parallelism?.data.kind === 'zero' ? 'none' : autocast,
    attention,
    padding: options.padding === true,
    ...(options.fused_loss === 'liger' ? { fusedLoss: 'liger' } : {}),
    ...(options.fused_kernels === 'foak' ? { fusedKernels: 'foak' } : {}),
    optimizer,
    optimizerImpl,
    ...(quantize ? { quantize } : {}),
    checkpointing,
    ...selective,
    accumulation,
    reference,
    task: model.task,
    adapter,
    ...(parallelism ? { parallelism } : {}),
  }
  return { train, setting: settingOf(train, options), assumptions: chooser.assumptions, warnings }
}

/** The setting as `--json` prints it; it reads back as a `--config` file. */
export function settingOf(train: TrainSpec, options: TrainingOptions = {}): TrainingSetting & TrainingOptions {
  const { adapter } = train
  return {
    method: train.method,
    batch_size: train.batch,
    seq_len: train.tokens,
    ...(train.task === 'seq2seq-lm' ? { target_seq_len: train.targetTokens } : {}),
    dtype: train.dtype,
    autocast: precisionOf(train),
    attention: train.attention,
    optimizer: train.optimizer,
    optimizer_impl: train.optimizerImpl,
    gradient_checkpointing: train.checkpointing,
    ...(train.checkpointEvery ? { checkpoint_every: train.checkpointEvery } : {}),
    ...(train.checkpointKeep ? { checkpoint_keep: train.checkpointKeep } : {}),
    gradient_accumulation: train.accumulation,
    padding: train.padding,
    ...(train.reference ? { reference_model: true } : {}),
    ...(train.fusedLoss ? { fused_loss: train.fusedLoss } : {}),
    ...(train.fusedKernels ? { fused_kernels: train.fusedKernels } : {}),
    ...(train.quantize ? { quantize: train.quantize.kind, prepare_kbit: train.quantize.prepare } : {}),
    ...(train.quantize?.trlCasts ? { trl_casts: true } : {}),
    ...(train.parallelism ? parallelOptions(train.parallelism) : {}),
    task: train.task,
    ...(options.layers === undefined ? {} : { layers: options.layers }),
    ...(adapter === null
      ? {}
      : {
          rank: adapter.rank,
          lora_alpha: adapter.alpha,
          lora_dropout: adapter.dropout,
          target_modules: [...adapter.targets],
          adapter_dtype: adapter.dtype,
          use_rslora: adapter.rslora,
          use_dora: adapter.dora === true,
          ...(adapter.modulesToSave?.length ? { modules_to_save: [...adapter.modulesToSave] } : {}),
        }),
  }
}

/** Mixed precision, whoever brings it about. */
function precisionOf({ dtype, autocast, parallelism }: TrainSpec): TrainSpec['autocast'] {
  const data = parallelism?.data
  if (data?.kind === 'zero' && data.dtype !== dtype && data.dtype !== 'float32') return data.dtype
  return (data?.kind === 'fsdp' ? data.precision : null) ?? autocast
}

/** bitsandbytes' base, frozen: there is nothing to train in it. */
function quantization(
  options: TrainingOptions,
  method: string,
  defaults: Defaults,
  problems: RefusalList,
): TrainSpec['quantize'] {
  const { quantize = 'none', prepare_kbit: prepare = false, trl_casts: trlCasts = false } = options
  if (trlCasts && !(prepare && quantize.startsWith('nf4') && options.autocast === 'bfloat16')) {
    const message = 'come after --prepare-kbit of a 4-bit base, under bfloat16 autocast'
    const next = 'Say --quantize nf4 --prepare-kbit --autocast bfloat16, or leave it out.'
    problems.add('conflict', flagOf('trl_casts'), message, next)
  }
  if (quantize === 'none') {
    if (prepare)
      problems.add('conflict', flagOf('prepare_kbit'), 'belongs to --quantize', 'Say --quantize nf4, or leave it out.')
    return undefined
  }
  if (method === 'full') {
    const message = `is ${quantize}; packed weights cannot train, and full fine-tuning trains them`
    problems.add('conflict', flagOf('quantize'), message, 'Say --method lora or lora-fa.')
  }
  if (options.use_dora === true && (quantize === 'int8' || !hasPackedDora(defaults))) {
    const message = 'is modelled on a packed base in 4 bits and with PEFT 0.21 only'
    problems.add('not-modelled', flagOf('use_dora'), message, 'Say --quantize nf4, or leave one of the two out.')
  }
  return { kind: quantize, prepare, ...(trlCasts ? { trlCasts } : {}) }
}

/** Narrows to what is modelled. Anything else was refused before: the first stands in until the refusal is thrown. */
function member<T extends string>(values: readonly [T, ...T[]], value: string): T {
  return values.find((v) => v === value) ?? values[0]
}

function targetLength(
  model: ModelSpec,
  options: TrainingOptions,
  chooser: Chooser,
  problems: RefusalList,
  tokens: number,
): number {
  if (model.task === 'seq2seq-lm')
    return chooser.pick('target_seq_len', { value: tokens, from: 'as long as --seq-len' })
  if (options.target_seq_len !== undefined) {
    const message = `is for encoder-decoders, and ${model.name} is a ${model.task} model`
    problems.add('not-applicable', flagOf('target_seq_len'), message, 'Leave it out.')
  }
  return tokens
}

function checkLength(
  model: ModelSpec,
  key: 'seq_len' | 'target_seq_len',
  tokens: number,
  problems: RefusalList,
  warnings: string[],
): void {
  if (tokens <= model.maxPositions) return
  const limit = `${model.name} takes ${model.maxPositions} positions`
  if (hasPositionTable(model)) {
    problems.add('too-long', flagOf(key), `is ${tokens}; ${limit}`, `Say at most ${model.maxPositions}.`)
  } else warnings.push(`${limit}, and the sequence has ${tokens}: it runs, outside what the model was trained for`)
}

function checkOptimizer(method: string, optimizer: string, impl: string, problems: RefusalList): void {
  if (optimizer === 'lorafa' && method !== 'lora-fa') {
    const message = `lorafa freezes A, which is not what --method ${method} says`
    problems.add('conflict', flagOf('optimizer'), message, 'Say --method lora-fa, or another optimizer.')
  }
  if (optimizer !== 'adamw' && optimizer !== 'sgd' && impl !== 'for-loop') {
    const message = `is ${impl}; ${optimizer} has only a loop over the parameters`
    problems.add('conflict', flagOf('optimizer_impl'), message, 'Leave it out.')
  }
}

function taskFrom(model: ModelSpec): string {
  const origin = model.provenance.task
  return origin === undefined || origin.source === 'default'
    ? `default of ${model.modelType}`
    : `${origin.key} of the ${origin.source}`
}

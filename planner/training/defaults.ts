import type { ModelSpec } from '../../models/spec.ts'
import type { Input } from '../result/common.ts'
import { flagOf, type OptionKey, type TrainingOptions } from './options.ts'

export type Assumption = Input['assumptions'][number]

/** Whose defaults hold: a PyTorch stack by name, or the engine that runs the step here. */
export type Defaults = { readonly stack: string } | { readonly engine: string }

/** A default with the reason that is listed under `assumptions`. */
export interface Default<T> {
  readonly value: T
  readonly from: string
}

/** Takes what was given, or a default that it writes down. */
export class Chooser {
  readonly assumptions: Assumption[] = []
  readonly #options: TrainingOptions

  constructor(options: TrainingOptions) {
    this.#options = options
  }

  /** The option's value, else the default, noted. */
  pick<K extends OptionKey>(
    key: K,
    fallback: Default<NonNullable<TrainingOptions[K]>>,
  ): NonNullable<TrainingOptions[K]> {
    const given = this.#options[key]
    if (given !== undefined) return given as NonNullable<TrainingOptions[K]>
    this.note(flagOf(key).slice(2), String(fallback.value), fallback.from)
    return fallback.value
  }

  note(what: string, value: string, from: string): void {
    this.assumptions.push({ what, value, from })
  }
}

const isOld = (stack: string): boolean => stack.includes('transformers-4.')

/** sdpa where the stack has it for the family: T5 has had it since transformers 5. */
export function defaultAttention(model: ModelSpec, defaults: Defaults): Default<'eager' | 'sdpa'> {
  if ('engine' in defaults)
    return { value: 'eager', from: `the ${defaults.engine} engine writes attention out unless told` }
  if (!hasSdpa(model, defaults)) return { value: 'eager', from: `${defaults.stack} has no sdpa for ${model.modelType}` }
  // the stack takes sdpa here; a setting that cannot be predicted would make a poor default
  if (model.family === 't5')
    return { value: 'eager', from: "sdpa, the stack's own, is not modelled with a position bias" }
  return { value: 'sdpa', from: 'transformers takes sdpa where a model supports it' }
}

export function hasSdpa(model: ModelSpec, defaults: Defaults): boolean {
  // modeling_gemma2.py, _supports_sdpa: it does not support softcapping
  if (model.modelType === 'gemma2') return false
  return !('stack' in defaults && isOld(defaults.stack) && model.family === 't5')
}

/** PEFT has had its LoRA-FA optimizer since 0.16. */
export const hasLoraFa = (defaults: Defaults): boolean => !('stack' in defaults && isOld(defaults.stack))

/** `every_n_layers` came with transformers 5; what a checkpoint keeps is recorded for that stack. */
export const hasSelective = (defaults: Defaults): boolean => !('stack' in defaults && isOld(defaults.stack))

/** PEFT 0.13 unpacks a weight for DoRA on CUDA alone, where nothing could be recorded. */
export const hasPackedDora = (defaults: Defaults): boolean => !('stack' in defaults && isOld(defaults.stack))

/** The Trainer's AdamW: fused since torch 2.8, foreach before (transformers/training_args.py, `default_optim`). */
export function defaultImpl(optimizer: string, defaults: Defaults): Default<'foreach' | 'fused' | 'for-loop'> {
  if ('engine' in defaults)
    return { value: 'for-loop', from: `the ${defaults.engine} engine steps one parameter at a time` }
  if (optimizer === 'lorafa') return { value: 'for-loop', from: "PEFT's LoraFAOptimizer loops over the parameters" }
  if (optimizer === 'adafactor') return { value: 'for-loop', from: "transformers' Adafactor loops over the parameters" }
  if (optimizer.endsWith('8bit')) return { value: 'for-loop', from: 'bitsandbytes loops over the parameters' }
  if (optimizer === 'sgd') return { value: 'foreach', from: "torch.optim's choice on a CUDA device" }
  if (isOld(defaults.stack)) return { value: 'foreach', from: "the Trainer's AdamW before torch 2.8" }
  return { value: 'fused', from: "the Trainer's AdamW since torch 2.8" }
}

/** Weights in the type of the config; an engine has float32 only. */
export function defaultDtype(model: ModelSpec, defaults: Defaults): Default<'float32' | 'bfloat16' | 'float16'> {
  if ('engine' in defaults) return { value: 'float32', from: `the ${defaults.engine} engine computes in float32` }
  const { source, key } = model.provenance.dtype ?? { source: 'config', key: 'dtype' }
  const from = source === 'default' ? "transformers' default: the config names no dtype" : `${key} of the ${source}`
  return { value: model.dtype, from }
}

const DEFAULT_LENGTH = 1024

export function defaultLength(model: ModelSpec): Default<number> {
  if (model.maxPositions >= DEFAULT_LENGTH) return { value: DEFAULT_LENGTH, from: "tidemark's default" }
  return { value: model.maxPositions, from: `the longest that ${model.name} takes` }
}

/** Families whose positions are a table: a longer sequence fails in the embedding. Rotary and relative ones only get worse. */
const ABSOLUTE: ReadonlySet<string> = new Set(['bert', 'distilbert', 'gpt2', 'opt', 'bart'])

export function hasPositionTable(model: ModelSpec): boolean {
  if (model.family === 'freeform') return model.blocks.some((b) => b.block === 'positions')
  return ABSOLUTE.has(model.family)
}

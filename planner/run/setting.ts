import type { ModelSpec } from '../../models/spec.ts'
import type { EngineName } from '../trace/engine-names.ts'
import { Refusal } from '../trace/errors.ts'
import type { OptimizerName, TrainSpec } from '../training/spec.ts'

/** Optimizers of planner/execute. */
const EXECUTED: ReadonlySet<OptimizerName> = new Set(['adamw', 'sgd', 'lorafa'])

/** What the engines run of a setting, and what the real stack has that they do not. */
export interface ExecutedSetting {
  readonly train: TrainSpec
  readonly notExercised: readonly string[]
}

/**
 * The setting as tfjs can run it: float32 throughout, AdamW one parameter at a time. Everything else stays. What is left out is named,
 * so that nobody takes the run for a measurement of the other stack.
 *
 * @throws Refusal for an optimizer or a family that no engine has
 */
export function executedSetting(model: ModelSpec, train: TrainSpec): ExecutedSetting {
  if ('experts' in model) {
    const message = `${model.modelType} is predicted, and no engine here has its products of tokens grouped by experts`
    throw new Refusal('not-modelled', 'the model', message, 'Run a model without experts, qwen3-0.6b say.')
  }
  if (!EXECUTED.has(train.optimizer)) {
    const message = `${train.optimizer} is predicted, and no engine here has it`
    throw new Refusal('not-modelled', '--optimizer', message, `Say ${[...EXECUTED].join(', ')}.`)
  }
  const notExercised: string[] = []
  if (train.dtype !== 'float32') notExercised.push(`${train.dtype} weights: the engine computes in float32`)
  if (train.adapter && train.adapter.dtype === 'float32' && train.dtype !== 'float32') {
    notExercised.push("PEFT's float32 copies of each adapter's input: in a float32 base the cast is no copy")
  }
  if (train.attention !== 'eager')
    notExercised.push(`${train.attention}'s kernel: the engine goes by blocks of its own`)
  if (train.attention === 'flash_attention_2' && train.padding) {
    notExercised.push(
      "flash-attn's unpadded tokens: the engine's blocks are whole, and what is padding is hidden in them",
    )
  }
  if (train.optimizer === 'adamw' && train.optimizerImpl !== 'for-loop') {
    notExercised.push(`AdamW ${train.optimizerImpl}: the engine steps one parameter at a time`)
  }
  if (train.quantize) notExercised.push(`${train.quantize.kind} weights: the engine keeps the base in float32`)
  if (train.autocast !== 'none') notExercised.push(`autocast to ${train.autocast}: the engine has one floating type`)
  const { quantize: _, ...plain } = train
  const adapter = train.adapter && ({ ...train.adapter, dtype: 'base' } as const)
  return {
    train: {
      ...plain,
      dtype: 'float32',
      autocast: 'none',
      optimizerImpl: 'for-loop',
      adapter,
    },
    notExercised,
  }
}

export interface RunRequest {
  readonly model: ModelSpec
  readonly train: TrainSpec
  readonly engine: EngineName
  readonly steps: number
  readonly seed: number
  /** The uncut number of layers, where `--layers` cut them: then N and N + 1 layers are run and the increment checked. */
  readonly cutFrom: number | null
}

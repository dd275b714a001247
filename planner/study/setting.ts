import type { ModelSpec } from '../../models/spec.ts'
import { networkOf } from '../network/index.ts'
import { EXECUTED } from '../network/library.ts'
import type { Network } from '../network/network.ts'
import { executedSetting } from '../run/setting.ts'
import type { EngineName } from '../trace/engine-names.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { StudyMethod } from '../training/study-methods.ts'
import { withoutDropout } from './evaluate.ts'
import { METHOD_TABLE, ruled } from './methods.ts'

/** Alpha over rank, the same at each rank, so that a learning rate means the same. */
const SCALING = 2

export interface StudySetting {
  readonly train: TrainSpec
  readonly network: Network
  /** The same without dropout, over the same parameters. */
  readonly still: Network
}

/**
 * A method's setting: adapters on all linears unless targets are named, α twice the rank unless it is said, and with an adapter a
 * classifier's head trains whole, as PEFT does for task_type SEQ_CLS.
 *
 * @throws Refusals with what does not hold together
 */
export function studySetting(
  model: ModelSpec,
  engine: EngineName,
  method: StudyMethod,
  rank: number | null,
  options: TrainingOptions,
): StudySetting {
  const adapter: TrainingOptions =
    rank === null
      ? {}
      : {
          rank,
          lora_alpha: options.lora_alpha ?? SCALING * rank,
          target_modules: options.target_modules ?? ['all-linear'],
          ...(model.task === 'sequence-classification' ? { modules_to_save: ['classifier'] } : {}),
        }
  const { batch_size, seq_len, target_seq_len, gradient_checkpointing, lora_dropout } = options
  const shared = { batch_size, seq_len, target_seq_len, gradient_checkpointing }
  const asked = { ...shared, ...(rank === null ? {} : { lora_dropout }), ...adapter, ...METHOD_TABLE[method].options }
  const { train } = executedSetting(model, resolveTraining(model, asked, { engine }).train)
  const still = withoutDropout(model, train)
  return {
    train,
    network: ruled(networkOf(model, train, EXECUTED), method),
    still: networkOf(still.model, still.train, EXECUTED),
  }
}

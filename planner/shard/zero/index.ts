import type { ModelSpec } from '../../../models/spec.ts'
import { networkOf } from '../../network/index.ts'
import type { Library } from '../../network/library.ts'
import { Refusal } from '../../trace/errors.ts'
import type { Parallelism, Zero } from '../../training/parallelism.ts'
import type { TrainSpec } from '../../training/spec.ts'
import type { RankOf } from '../rank.ts'
import { partitioned } from './partitioned.ts'
import { replicated } from './replicated.ts'

/**
 * A rank under DeepSpeed's ZeRO (deepspeed 0.19.8 through accelerate 1.15). The engine casts every parameter to the file's type, adapters
 * too, so the program is that of a model in this type.
 *
 * @throws Refusal for what is not modelled
 */
export function zeroSharded(
  model: ModelSpec,
  train: TrainSpec,
  { gpus, rank }: Parallelism,
  zero: Zero,
  library?: Library,
): RankOf {
  refuse(model, train, zero)
  const network = networkOf(model, computing(train, zero), library)
  const seat = { ranks: gpus, rank }
  return zero.stage === 3
    ? partitioned(network, seat, zero, train.optimizerImpl, train.adapter !== null)
    : replicated(network, seat, zero, train.optimizerImpl)
}

/** @throws Refusal */
function refuse(model: ModelSpec, train: TrainSpec, zero: Zero): void {
  const reasons: readonly (readonly [boolean, string])[] = [
    [train.optimizer !== 'adamw', `with ${train.optimizer}: AdamW's steps on flat parts are modelled`],
    [train.quantize !== undefined, 'with a quantized base'],
    [train.autocast !== 'none', 'with autocast: the engine casts weights itself'],
    [train.reference, 'with a pass of reference'],
    [train.fusedKernels !== undefined, 'with fused kernels'],
    [zero.stage === 3 && train.fusedLoss !== undefined, 'with a fused loss, which reads the head from outside of it'],
    [zero.stage === 3 && !zero.stage3.efficientLinear, "without memory_efficient_linear, whose weights' views stay"],
    [
      zero.stage === 3 && train.checkpointing !== 'none',
      'with checkpointing: what is computed again is not held to a recording yet',
    ],
    [
      zero.stage === 3 && 'experts' in model,
      "with experts: how their modules' parameters are gathered is not held to a recording yet",
    ],
    [zero.stage < 3 && zero.parameterPlace === 'host', 'offload_param before stage 3, which DeepSpeed ignores'],
  ]
  const found = reasons.find(([is]) => is)
  if (found)
    throw new Refusal('not-modelled', '--zero', `ZeRO is not modelled ${found[1]}`, 'Leave one of the two out.')
}

/** The setting in whose types the modules compute. */
const computing = (train: TrainSpec, { dtype }: Zero): TrainSpec => ({
  ...train,
  dtype,
  adapter: train.adapter && { ...train.adapter, dtype: 'base' },
})

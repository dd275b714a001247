import type { ModelSpec } from '../../models/spec.ts'
import { networkOf } from '../network/index.ts'
import { CURRENT, type Library } from '../network/library.ts'
import { refuseTensorParallel } from '../network/tensor-parallel.ts'
import type { TrainSpec } from '../training/spec.ts'
import { replicated } from './ddp.ts'
import { fullySharded } from './fsdp/index.ts'
import { staged } from './pipeline/index.ts'
import { refusePipeline } from './pipeline/refusals.ts'
import type { Rank, RankOf } from './rank.ts'
import { single } from './single.ts'
import { zeroSharded } from './zero/index.ts'

export type { Rank, RankOf }

/**
 * Says before anything is simulated whether the model can be divided so.
 *
 * @throws Refusal for what is not modelled
 */
export function refuseUndivided(model: ModelSpec, train: TrainSpec, library: Library = CURRENT): void {
  const pipeline = train.parallelism?.pipeline
  if (pipeline) refusePipeline(model, train, pipeline.stages, library)
  else refuseTensorParallel(library, model, train)
}

/** The part of a setting's rank in its step. Throws `Refusal` for what is not modelled. */
export function rankOf(model: ModelSpec, train: TrainSpec, library?: Library): RankOf {
  const { parallelism } = train
  if (!parallelism) return single(networkOf(model, train, library))
  const { data, pipeline } = parallelism
  if (pipeline) return staged(networkOf(model, train, library), train, pipeline)
  switch (data.kind) {
    case 'alone':
      return single(networkOf(model, train, library))
    case 'ddp':
      return replicated(networkOf(model, train, library), data)
    case 'fsdp':
      return fullySharded(model, train, parallelism, data, library)
    case 'zero':
      return zeroSharded(model, train, parallelism, data, library)
  }
}

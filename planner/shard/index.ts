import type { ModelSpec } from '../../models/spec.ts'
import { networkOf } from '../network/index.ts'
import type { Library } from '../network/library.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { Rank, RankOf } from './rank.ts'
import { single } from './single.ts'

export type { Rank, RankOf }

/** The part of a setting's rank in its step. Throws `Refusal` for what is not modelled. */
export function rankOf(model: ModelSpec, train: TrainSpec, library?: Library): RankOf {
  const { parallelism } = train
  const network = networkOf(model, train, library)
  if (!parallelism) return single(network)
  switch (parallelism.data.kind) {
    case 'ddp':
    case 'fsdp':
      return single(network)
  }
}

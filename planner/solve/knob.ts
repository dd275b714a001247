import type { ModelSpec } from '../../models/spec.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { KnobName } from './names.ts'

/** A size of a setting that can be turned up until memory is full. */
export interface Knob {
  readonly of: (train: TrainSpec) => number
  readonly with: (train: TrainSpec, value: number) => TrainSpec
  /** The most that the model has a use for, and what says so. */
  readonly most: (model: ModelSpec, train: TrainSpec) => { readonly value: number; readonly because: string }
  /** Why there is nothing to turn; null where there is. */
  readonly missing: (train: TrainSpec) => string | null
}

const MOST_BATCH = 65_536

export const KNOB: Readonly<Record<KnobName, Knob>> = {
  batch: {
    of: (train) => train.batch,
    with: (train, batch) => ({ ...train, batch }),
    most: () => ({ value: MOST_BATCH, because: 'larger batches are not searched' }),
    missing: () => null,
  },
  /** Tokens a sequence; the decoder's go along where they were alike. */
  length: {
    of: (train) => train.tokens,
    with: (train, tokens) => ({
      ...train,
      tokens,
      targetTokens: train.targetTokens === train.tokens ? tokens : train.targetTokens,
    }),
    most: (model) => ({ value: model.maxPositions, because: `${model.name} takes ${model.maxPositions} positions` }),
    missing: () => null,
  },
  rank: {
    of: (train) => train.adapter?.rank ?? 0,
    with: (train, rank) => (train.adapter ? { ...train, adapter: { ...train.adapter, rank } } : train),
    most: (model) => {
      const value = 'hidden' in model ? model.hidden : MOST_RANK
      return { value, because: `${value} is a linear's full rank` }
    },
    missing: (train) => (train.adapter ? null : 'full fine-tuning has no rank'),
  },
}

/** Of a described model, whose blocks have widths of their own. */
const MOST_RANK = 4096

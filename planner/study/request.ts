import type { ModelSpec } from '../../models/spec.ts'
import type { EngineName } from '../trace/engine-names.ts'
import type { TrainingOptions } from '../training/options.ts'
import type { StudyMethod } from '../training/study-methods.ts'
import type { Corpus } from './corpus.ts'

/** A study as it is asked for. All of it but `seeds`, `methods`, `ranks` and `learningRates` is what its runs share. */
export interface StudyRequest {
  readonly model: ModelSpec
  readonly engine: EngineName
  /** What all methods share: batch, lengths, targets, dropout. */
  readonly options: TrainingOptions
  readonly methods: readonly StudyMethod[]
  readonly ranks: readonly number[]
  /** Empty: each method's own default. */
  readonly learningRates: readonly number[]
  readonly seeds: readonly number[]
  readonly steps: number
  /** Steps of full training that make the base model where no checkpoint is read. */
  readonly pretrainSteps: number
  /** Learned before, and adapted to. */
  readonly corpora: { readonly before: Corpus; readonly after: Corpus }
  /** How text is read, and a digest of it; null by bytes. */
  readonly tokenizer: { readonly name: string; readonly digest: string } | null
  /** What the base's weights are from: a path for people, or null where they are trained here. */
  readonly checkpoint: string | null
}

/** One training of a study. */
export interface RunKey {
  readonly method: StudyMethod
  /** Null for full fine-tuning, which has none. */
  readonly rank: number | null
  readonly learningRate: number
  readonly seed: number
}

/** The trainings of a study, seed by seed, so that an interrupted one has some of each method. */
export function runsOf(
  { methods, ranks, learningRates, seeds }: StudyRequest,
  defaultRate: (method: StudyMethod) => number,
): RunKey[] {
  return seeds.flatMap((seed) =>
    methods.flatMap((method) => {
      const rates = learningRates.length > 0 ? learningRates : [defaultRate(method)]
      const sizes = method === 'full' ? [null] : ranks
      return sizes.flatMap((rank) => rates.map((learningRate) => ({ method, rank, learningRate, seed })))
    }),
  )
}

export const sameRun = (a: RunKey, b: RunKey): boolean =>
  a.method === b.method && a.rank === b.rank && a.learningRate === b.learningRate && a.seed === b.seed

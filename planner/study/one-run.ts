import type { Engine } from '../execute/index.ts'
import type { Divergence, StudyRun } from '../result/study.ts'
import { planRun } from '../run/plan.ts'
import { numel } from '../trace/axes.ts'
import type { Data } from './data.ts'
import { METHOD_TABLE } from './methods.ts'
import type { RunKey, StudyRequest } from './request.ts'
import type { StudySetting } from './setting.ts'
import { type Trained, trainOn } from './trainer.ts'
import { startOf, type WeightValues } from './values.ts'

const CURVE_POINTS = 10

/** One training of a study: its key, what it starts from and what it learns on. */
export interface OneRun {
  readonly setting: StudySetting
  readonly key: RunKey
  readonly steps: number
  readonly data: Data
  readonly base: WeightValues
  readonly onStep?: () => void
}

/** @throws Diverged */
export function train(engine: Engine, { setting, key, steps, data, base, onStep }: OneRun): Promise<Trained> {
  return trainOn({
    engine,
    ...setting,
    ...data,
    learningRate: key.learningRate,
    seed: key.seed,
    steps,
    every: Math.max(1, Math.ceil(steps / CURVE_POINTS)),
    start: (p) => startOf(p, base, key.seed),
    ...(onStep ? { onStep } : {}),
  })
}

/** A finished training as a line of the results. */
export function recordOf(
  { model, engine }: StudyRequest,
  study: string,
  key: RunKey,
  setting: StudySetting,
  trained: Trained,
): StudyRun {
  const { parameters } = setting.network
  const count = (of: typeof parameters): number => of.reduce((n, p) => n + numel(p.axes), 0)
  const predicted =
    METHOD_TABLE[key.method].rule === undefined ? planRun(model, setting.train, engine, 2).predicted.peak.bytes : null
  return {
    study,
    method: key.method,
    optimizer: setting.train.optimizer,
    rank: key.rank,
    alpha: setting.train.adapter?.alpha ?? null,
    learning_rate: key.learningRate,
    seed: key.seed,
    parameters: { total: count(parameters), trainable: count(parameters.filter((p) => p.trains)) },
    curve: trained.curve,
    validation: trained.validation,
    test: trained.test,
    peak_bytes: trained.peakBytes,
    predicted_peak_bytes: predicted,
    seconds_per_step: trained.secondsPerStep,
  }
}

export const divergenceOf = (
  study: string,
  { method, rank, learningRate, seed }: RunKey,
  step: number,
): Divergence => ({
  study,
  method,
  rank,
  learning_rate: learningRate,
  seed,
  diverged_at: step,
})

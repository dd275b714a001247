import type { ModelSpec } from '../../models/spec.ts'
import { EXECUTED } from '../network/library.ts'
import { bodyOf, type Simulation, simulate } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { tfjsOptimizer } from '../simulate/optimizers/tfjs.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type ExecutedSetting, executedSetting, type RunRequest } from './setting.ts'

/** Fewer steps have no steady one. */
export const LEAST_STEPS = 2

/** A run before it is run: the setting as the engine can run it, every event, and the figures they come to. */
export interface PlannedRun extends ExecutedSetting, Simulation {
  readonly stack: string
  readonly predicted: EstimateBody
}

/** Predicts the steps of a run on an engine. All steps are simulated, with reads and names for the auditor. */
export function planRun(model: ModelSpec, asked: TrainSpec, engine: RunRequest['engine'], steps: number): PlannedRun {
  const { train, notExercised } = executedSetting(model, asked)
  const dialect = tfjsDialect(engine)
  const { network, events } = simulate(model, train, dialect, {
    optimizer: (s) => tfjsOptimizer(s, train.optimizer),
    steps,
    audited: true,
    library: EXECUTED,
  })
  const stack = `${dialect.name}+transformers-5.23+peft-0.21`
  return { train, notExercised, network, events, stack, predicted: bodyOf(network, events) }
}

import { predict } from '../../planner/predict/index.ts'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { UsageError } from '../errors.ts'
import type { HeaderFacts } from '../output/header.ts'
import type { Prepared, PreparedMethod } from './prepare.ts'

/** One method's prediction for the stack. */
export function predicted({ found, stack, gpu }: Prepared, { train }: PreparedMethod): EstimateBody {
  const body = predict(found.spec, train, stack, gpu)
  const largest = Math.max(body.peak.bytes, body.step.forward.peak_bytes, body.saved_bytes)
  if (Number.isSafeInteger(largest)) return body
  const message = 'batch and length make more bytes than can be counted exactly'
  throw new UsageError([{ where: '--batch-size', message, next: 'Give a smaller batch or length.' }])
}

/** Predicts the model under another setting. */
export const predictor =
  ({ found, stack }: Prepared) =>
  (train: TrainSpec): EstimateBody =>
    predict(found.spec, train, stack)

/** What stands above a table. */
export const headerOf = (prepared: Prepared, method: PreparedMethod, body: EstimateBody): HeaderFacts => ({
  model: prepared.found.spec.name,
  parameters: body.parameters.total - method.adapted.added,
  setting: method.setting,
  adapted: method.adapted,
  on: prepared.stack.name,
})

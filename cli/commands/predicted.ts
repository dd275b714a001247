import { predict, predictOnDevice } from '../../planner/predict/index.ts'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { UsageError } from '../errors.ts'
import type { HeaderFacts } from '../output/header.ts'
import type { Prepared, PreparedMethod } from './prepare.ts'

/** One method's prediction for the stack, up to what the device shows. */
export const predicted = ({ found, stack, gpu, allocator }: Prepared, { train }: PreparedMethod): EstimateBody =>
  counted(predictOnDevice(found.spec, train, stack, gpu, allocator))

/** One method's prediction of live bytes: what a comparison without a device shows. */
export const predictedLive = ({ found, stack }: Prepared, { train }: PreparedMethod): EstimateBody =>
  counted(predict(found.spec, train, stack))

function counted(body: EstimateBody): EstimateBody {
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

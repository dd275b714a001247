import { fitOfLive, predict, predictOnDevice, worstRank } from '../../planner/predict/index.ts'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { UsageError } from '../errors.ts'
import type { HeaderFacts } from '../output/header.ts'
import { type Prepared, type PreparedMethod, parametersOf } from './prepared.ts'

/** How far a prediction goes: to tensors and their blocks, or on to what the device's allocator and driver make of them. */
export type Depth = 'live' | 'device'

/** One method's prediction for the stack, up to what the device shows. */
export function predicted(prepared: Prepared, { train }: PreparedMethod, depth: Depth = 'device'): EstimateBody {
  const { found, stack, gpu, allocator } = prepared
  return counted(
    bodies(prepared, train, () => {
      const { train: worst, ranks: all } = shown(prepared, train)
      const whose = all ? { ranks: all } : {}
      if (depth === 'device') return { ...predictOnDevice(found.spec, worst, stack, gpu, allocator), ...whose }
      const body = predict(found.spec, worst, stack, gpu)
      return { ...body, fit: gpu && fitOfLive(gpu, body.peak.bytes), ...whose }
    }),
  )
}

/** Whose figures a setting's are: of several devices those of the rank that holds most. */
export const shownSetting = (prepared: Prepared, { train }: PreparedMethod): TrainSpec => shown(prepared, train).train

const shown = (prepared: Prepared, train: TrainSpec): ReturnType<typeof worstRank> =>
  ranks(prepared, train, () => worstRank(prepared.found.spec, train, prepared.stack))

/** What a comparison shows of each method: live bytes, and with a device all that the device shows. */
export const predictedMethods = (
  prepared: Prepared,
  depth: Depth = 'device',
): { method: string; estimate: EstimateBody }[] =>
  prepared.methods.map((m) => ({
    method: m.method,
    estimate: predicted(prepared, m, prepared.gpu === null ? 'live' : depth),
  }))

/** Predicts the live bytes of the model under another setting. */
export const predictor =
  (prepared: Prepared) =>
  (train: TrainSpec): EstimateBody =>
    bodies(prepared, train, () => predict(prepared.found.spec, train, prepared.stack))

/** Warnings ask for settings of which several are compared anyway; what they read is the same with a device and without. */
const bodies = memo<EstimateBody>()
const ranks = memo<ReturnType<typeof worstRank>>()

/** Keeps what is made of a setting as long as what was prepared is there. */
function memo<T>(): (prepared: Prepared, train: TrainSpec, make: () => T) => T {
  const made = new WeakMap<Prepared, Map<string, T>>()
  return (prepared, train, make) => {
    const known = made.get(prepared) ?? new Map<string, T>()
    made.set(prepared, known)
    const key = JSON.stringify(train)
    const value = known.get(key) ?? make()
    known.set(key, value)
    return value
  }
}

function counted(body: EstimateBody): EstimateBody {
  const largest = Math.max(body.peak.bytes, body.step.forward.peak_bytes, body.saved_bytes)
  if (Number.isSafeInteger(largest)) return body
  const message = 'batch and length make more bytes than can be counted exactly'
  throw new UsageError([{ where: '--batch-size', message, next: 'Give a smaller batch or length.' }])
}

/** Whether a rank has some of the model's layers only, or pieces of them. */
const isDivided = ({ train }: PreparedMethod): boolean => train.parallelism?.data.kind === 'alone'

/** What stands above a table. */
export const headerOf = (
  prepared: Prepared,
  method: PreparedMethod,
  body: { readonly parameters: { readonly total: number } },
): HeaderFacts => ({
  model: prepared.found.spec.name,
  parameters: isDivided(method)
    ? parametersOf(prepared.found.spec, method.train, prepared.stack.library)
    : body.parameters.total - method.adapted.added,
  setting: method.setting,
  adapted: method.adapted,
  on: prepared.stack.name,
})

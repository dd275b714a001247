import type { ModelSpec } from '../../models/spec.ts'
import type { TrainSpec } from '../training/spec.ts'
import { LEAST_STEPS, planRun } from './plan.ts'
import type { RunRequest } from './setting.ts'

/** Peak of live bytes that a run is predicted to have on its engine. */
export function peakOfRun({ model, train, engine }: Pick<RunRequest, 'model' | 'train' | 'engine'>): number {
  return planRun(model, train, engine, LEAST_STEPS).predicted.peak.bytes
}

/** How many of a model's first layers leave the run below so many bytes; null where not even one does, or it has no equal layers. */
export function layersThatFit(
  request: Pick<RunRequest, 'model' | 'engine'> & { readonly train: TrainSpec },
  bytes: number,
): number | null {
  const { model } = request
  if (!('layers' in model)) return null
  const cut = (layers: number): ModelSpec => ({ ...model, layers })
  let [fits, most] = [0, model.layers]
  while (fits < most) {
    const middle = Math.ceil((fits + most) / 2)
    if (peakOfRun({ ...request, model: cut(middle) }) <= bytes) fits = middle
    else most = middle - 1
  }
  return fits === 0 ? null : fits
}

import type { RunRequest } from '../../planner/run/setting.ts'
import type { EngineName } from '../../planner/trace/engine-names.ts'
import type { Values } from '../flags.ts'
import { resolveModel } from '../model/resolve.ts'
import type { Prepared, PreparedMethod } from './prepared.ts'

const DEFAULT_STEPS = 3

/** What the run's process is asked to do. Where layers were cut it also learns of how many there were. */
export async function requestOf(
  model: string,
  { found }: Prepared,
  { train }: PreparedMethod,
  engine: EngineName,
  values: Values,
): Promise<RunRequest> {
  return {
    model: found.spec,
    train,
    engine,
    steps: values.steps ?? DEFAULT_STEPS,
    seed: values.seed ?? 0,
    cutFrom: await uncutLayers(model, values),
  }
}

/** Layers before the cut; standard input cannot be read twice. */
async function uncutLayers(model: string, { layers, task }: Values): Promise<number | null> {
  if (layers === undefined || model === '-') return null
  const { spec } = await resolveModel(model, { task }, process.env)
  return 'layers' in spec && spec.layers > layers ? spec.layers : null
}

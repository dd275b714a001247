import { specFromCatalog } from '../../models/index.ts'
import type { RunRequest } from '../../planner/run/setting.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { resolveTraining } from '../../planner/training/resolve.ts'

export const FAKE_CHILD = new URL('./fake-child.js', import.meta.url)

/** A request whose model's name tells the fake child what to do. */
export function fakeRequest(name: string): RunRequest {
  const model = { ...specFromCatalog('smollm2-135m'), name }
  const { train } = resolveTraining(model, { seq_len: 8 }, { engine: 'wasm' })
  return { model, train, engine: 'wasm', steps: 2, seed: 0, cutFrom: null }
}

export const engineMissing = (): Refusal =>
  new Refusal('engine-unavailable', '--engine', 'the engine is not there', 'Install it.')

/** A promise that holds the process open and is never settled. */
export const never = (): Promise<never> => new Promise(() => setInterval(() => undefined, 1000))

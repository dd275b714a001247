import type { EventSink } from '../trace/event.ts'
import type { EngineName } from './engines/engine.ts'
import { loadEngine } from './engines/load.ts'
import { Executor } from './executor.ts'
import type { OnPhase } from './position.ts'

export type { Engine, EngineName, Framework, Values } from './engines/engine.ts'
export { loadEngine } from './engines/load.ts'
export { BUNDLED, ENGINE_TABLE, type EngineEntry } from './engines/table.ts'
export { EngineError, type EngineFailure } from './errors.ts'
export { Executor, type InitialValues } from './executor.ts'
export { type AdamWOptions, adamW } from './optimizers/adamw.ts'
export { type LoraFaOptions, loraFa } from './optimizers/lorafa.ts'
export { sgd } from './optimizers/sgd.ts'
export type { Optimizer } from './optimizers/state.ts'
export type { OnPhase } from './position.ts'
export { type Probe, probe } from './probe.ts'

/** Loads an engine and an executor on it. One executor runs on an engine at a time; `close` it. Throws `EngineError`. */
export async function createExecutor(options: {
  readonly engine: EngineName
  readonly seed: number
  readonly sink: EventSink
  readonly audited?: boolean
  readonly tile?: number
  readonly onPhase?: OnPhase
}): Promise<Executor> {
  const engine = await loadEngine(options.engine)
  return new Executor({ ...options, engine })
}

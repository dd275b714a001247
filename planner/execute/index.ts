import type { EventSink } from '../trace/event.ts'
import { ENGINES, type EngineName } from './engines/engine.ts'
import { loadEngine } from './engines/load.ts'
import { EngineError } from './errors.ts'
import { Executor } from './executor.ts'

export { ENGINES, type Engine, type EngineName, type Values } from './engines/engine.ts'
export { loadEngine } from './engines/load.ts'
export { EngineError, type EngineFailure } from './errors.ts'
export { Executor, type InitialValues } from './executor.ts'
export { type AdamWOptions, adamW } from './optimizers/adamw.ts'
export { type LoraFaOptions, loraFa } from './optimizers/lorafa.ts'
export { sgd } from './optimizers/sgd.ts'
export type { Optimizer } from './optimizers/state.ts'

/** Loads an engine and an executor on it. One executor runs on an engine at a time; `close` it. Throws `EngineError`. */
export async function createExecutor(options: {
  readonly engine: EngineName
  readonly seed: number
  readonly sink: EventSink
  readonly audited?: boolean
}): Promise<Executor> {
  const engine = await loadEngine(options.engine)
  return new Executor({ ...options, engine })
}

/** Whether an engine runs here: its version and limits, or why not. */
export type Probe =
  | { readonly name: EngineName; readonly ok: true; readonly version: string; readonly limitBytes: number | null }
  | { readonly name: EngineName; readonly ok: false; readonly code: string; readonly why: string }

/** Loads each engine and multiplies two small matrices on it. */
export async function probe(names: readonly EngineName[] = ENGINES): Promise<Probe[]> {
  const probes: Probe[] = []
  for (const name of names) probes.push(await probeOne(name))
  return probes
}

async function probeOne(name: EngineName): Promise<Probe> {
  try {
    const executor = await createExecutor({ engine: name, seed: 0, sink: () => undefined })
    const { engine, primitives: p } = executor
    try {
      const two = { name: 'n', size: 2 }
      const x = p.upload([1, 2, 3, 4], [two, two], 'float32')
      const y = p.product(x, x, [two, two])
      const got = [...p.values(y)].join(' ')
      p.free(x, y)
      if (got !== '7 10 15 22') return { name, ok: false, code: 'wrong-product', why: `a product came out as ${got}` }
      return { name, ok: true, version: engine.version, limitBytes: engine.limitBytes }
    } finally {
      executor.close()
      engine.close()
    }
  } catch (e) {
    if (!(e instanceof EngineError)) throw e
    return { name, ok: false, code: e.code, why: e.message }
  }
}

import { ENGINE_NAMES, type EngineName } from '../../trace/engine-names.ts'
import { EngineError } from '../errors.ts'
import type { Core, Engine } from './engine.ts'
import { ENGINE_TABLE } from './table.ts'

/** Loads an engine by name. Throws `EngineError` where it cannot run here: tfjs would fall back to another one in silence. */
export async function loadEngine(name: EngineName): Promise<Engine> {
  if (!ENGINE_NAMES.includes(name)) {
    throw new EngineError('unknown-engine', name, `no engine is called ${name}`, `Known: ${ENGINE_NAMES.join(', ')}.`)
  }
  const { load, install } = ENGINE_TABLE[name]
  try {
    return await load()
  } catch (e) {
    if (e instanceof EngineError) throw e
    const why = e instanceof Error ? e.message : String(e)
    const next = install === null ? 'Try another engine.' : `Type \`${install}\`, or try another engine.`
    throw new EngineError('engine-not-loaded', name, `the ${name} engine did not load: ${why}`, next)
  }
}

/** tfjs-core, and nothing printed by it. */
export async function loadCore(): Promise<Core> {
  const core: Core = await import('@tensorflow/tfjs-core')
  // Silences tfjs-backend-cpu's advertisement on standard error.
  core.enableProdMode()
  return core
}

/**
 * Makes a registered backend the one that tfjs runs on, and gives it. tfjs exports the classes without the members that the engines
 * read: each names what it needs. Throws where tfjs took another one.
 */
export async function activeBackend(core: Core, name: string): Promise<unknown> {
  const set = await core.setBackend(name)
  if (!set || core.getBackend() !== name) throw new Error(`tfjs runs on ${core.getBackend()} instead`)
  return core.backend()
}

import { EngineError } from '../errors.ts'
import { type CpuBackend, CpuEngine } from './cpu.ts'
import { type Core, ENGINES, type Engine, type EngineName } from './engine.ts'
import { guardWarnings, type WasmBackend, WasmEngine } from './wasm.ts'

/** Loads an engine by name. Throws `EngineError` where it cannot run here: tfjs would fall back to another one in silence. */
export async function loadEngine(name: EngineName): Promise<Engine> {
  if (!ENGINES.includes(name)) {
    throw new EngineError('unknown-engine', name, `no engine is called ${name}`, `Known: ${ENGINES.join(', ')}.`)
  }
  const core: Core = await import('@tensorflow/tfjs-core')
  // Silences tfjs-backend-cpu's advertisement on standard error.
  core.enableProdMode()
  const unhook = hooksOf()
  const unguard = name === 'wasm' ? guardWarnings() : () => undefined
  try {
    await (name === 'wasm' ? import('@tensorflow/tfjs-backend-wasm') : import('@tensorflow/tfjs-backend-cpu'))
    const set = await core.setBackend(name)
    if (!set || core.getBackend() !== name) throw new Error(`tfjs runs on ${core.getBackend()} instead`)
  } catch (e) {
    unguard()
    const why = e instanceof Error ? e.message : String(e)
    throw new EngineError('engine-not-loaded', name, `the ${name} engine did not load: ${why}`, 'Try another engine.')
  } finally {
    unhook()
  }
  // The classes are exported without the members that the engines read: each names what it needs.
  const backend: unknown = core.backend()
  return name === 'wasm'
    ? new WasmEngine(core, backend as WasmBackend, unguard)
    : new CpuEngine(core, backend as CpuBackend)
}

const HOOKS = ['uncaughtException', 'unhandledRejection'] as const

/** Emscripten hooks the process's last handlers and rethrows from there: takes off what was put on after this call. */
function hooksOf(): () => void {
  // @types/node types listeners by event; a loop over events needs the common supertype.
  const hooks: NodeJS.EventEmitter = process
  const before = HOOKS.map((event) => new Set(hooks.listeners(event)))
  return () =>
    HOOKS.forEach((event, i) => {
      for (const hook of hooks.listeners(event)) {
        if (!before[i]!.has(hook)) hooks.off(event, hook as (...args: unknown[]) => void)
      }
    })
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { EngineError } from '../errors.ts'
import type { Core } from './engine.ts'

/** The variable that asks for threads. */
export const THREADS = 'TIDEMARK_WASM_THREADS'
/** Workers that the module is built with (PTHREAD_POOL_SIZE); XNNPACK's pool draws on them. */
const MOST = 8

const PACKAGE = '@tensorflow/tfjs-backend-wasm'
const MODULE = `${PACKAGE}/wasm-out/tfjs-backend-wasm-threaded-simd`

type Cwrap = (name: string, result: 'number' | null, args: readonly 'number'[]) => (...args: number[]) => number

interface EmscriptenModule {
  readonly cwrap: Cwrap
  readonly PThread: { terminateAllThreads(): void }
}

type ThreadedModule = EmscriptenModule & { readonly tfjs: ReturnType<typeof functionsOf> }

type Factory = (config: {
  readonly locateFile: (name: string) => string
  readonly mainScriptUrlOrBlob: string
}) => Promise<EmscriptenModule>

/** Threads that the engine has, and what ends them. */
export interface Threads {
  /** Once the backend is made. */
  count(): number
  end(): void
}

/** Threads that were asked for; 1 where nobody did. @throws EngineError for no number from 1 to 8 */
export function threadsAsked(env: NodeJS.ProcessEnv): number {
  const asked = env[THREADS]
  if (asked === undefined || asked === '') return 1
  const count = Number(asked)
  if (Number.isInteger(count) && count >= 1 && count <= MOST) return count
  const message = `${THREADS} is ${JSON.stringify(asked)}; expected a number from 1 to ${MOST}`
  throw new EngineError('engine-not-loaded', 'wasm', message, 'Correct it, or leave it out: one thread.')
}

/**
 * Puts tfjs's threaded module in the place of the one with one thread. tfjs itself asks for threads in browsers only
 * (flags_wasm.ts, WASM_HAS_MULTITHREAD_SUPPORT); the module does run on node's workers, once it is given its worker as a file.
 */
export async function registerThreaded(core: Core, threads: number): Promise<Threads> {
  const { BackendWasm, setThreadsCount } = await import('@tensorflow/tfjs-backend-wasm')
  const module = await startModule(threads)
  // The class is exported without the type of the module that it takes.
  const Backend = BackendWasm as unknown as new (module: ThreadedModule) => InstanceType<typeof BackendWasm>
  core.removeBackend('wasm')
  core.registerBackend('wasm', () => {
    setThreadsCount(threads)
    return new Backend(module)
  })
  return { count: () => module.tfjs.getThreadsCount(), end: () => module.PThread.terminateAllThreads() }
}

async function startModule(threads: number): Promise<ThreadedModule> {
  const require = createRequire(import.meta.url)
  const script = require.resolve(`${MODULE}.js`)
  const factory: Factory = require(script)
  const { wasmWorkerContents }: { readonly wasmWorkerContents: string } = require(`${MODULE}.worker.js`)
  const folder = mkdtempSync(join(os.tmpdir(), 'tidemark-wasm-'))
  const { cpus } = os
  // The module takes half of the machine's cores at most, which it counts as it starts (backend.cc): so many stand in meanwhile.
  os.cpus = () => Array.from({ length: 2 * threads }, () => cpus()[0]!)
  try {
    // An ES module would have no `require`, whatever the folder's package says. Line ends inside its strings are written out, as tfjs does.
    const worker = join(folder, 'worker.cjs')
    writeFileSync(worker, wasmWorkerContents.replace(/\n/g, '\\n'))
    const module = await factory({
      locateFile: (name) => (name.endsWith('.worker.js') ? worker : join(dirname(script), name)),
      mainScriptUrlOrBlob: script,
    })
    return Object.assign(module, { tfjs: functionsOf(module.cwrap) })
  } finally {
    os.cpus = cpus
    // Every worker has read it: the module is ready when all are.
    rmSync(folder, { recursive: true, force: true })
  }
}

/** As tfjs wraps them (backend_wasm.ts, init). */
const functionsOf = (cwrap: Cwrap) => ({
  init: cwrap('init', null, []),
  initWithThreadsCount: cwrap('init_with_threads_count', null, ['number']),
  getThreadsCount: cwrap('get_threads_count', 'number', []),
  registerTensor: cwrap('register_tensor', null, ['number', 'number', 'number']),
  disposeData: cwrap('dispose_data', null, ['number']),
  dispose: cwrap('dispose', null, []),
})

import type { DataId, Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import { EngineError } from '../errors.ts'
import { type Core, CoreEngine, type EngineType, type StorageTable, type Turned, type Values } from './engine.ts'
import { activeBackend, loadCore } from './load.ts'
import { WasmProducts } from './wasm-products.ts'
import { registerThreaded, type Threads, threadsAsked } from './wasm-threads.ts'

/** What the engine needs of tfjs-backend-wasm's BackendWasm (backend_wasm.ts) and of its Emscripten module. */
export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array
    _malloc(bytes: number): number
    _free(at: number): void
    cwrap(name: string, result: null, args: readonly string[]): (...args: never[]) => void
    readonly tfjs: {
      registerTensor(id: number, elements: number, offset: number): void
      disposeData(id: number): void
    }
  }
  readonly dataIdMap: StorageTable & { get(id: DataId): { memoryOffset: number } }
  dataIdNextNumber: number
  refCount(id: DataId): number
  makeOutput(shape: number[], dtype: EngineType): TensorInfo
  typedArrayFromHeap(info: TensorInfo): Values
}

const GIB = 2 ** 30
/** Left for static data, the stack, XNNPACK's packed operands and holes between blocks. */
const MARGIN_BYTES = GIB / 4
export const WASM_LIMIT_BYTES = 4 * GIB - MARGIN_BYTES

/** tfjs in WebAssembly with SIMD, one thread unless more are asked for; its memory ends at 4 GiB. */
export class WasmEngine extends CoreEngine {
  readonly name = 'wasm'
  readonly device: string
  readonly limitBytes = WASM_LIMIT_BYTES
  readonly #backend: WasmBackend
  readonly #products: WasmProducts
  readonly #unguard: () => void
  readonly #threads: Threads | null

  /** `unguard` puts `console.warn` back. */
  constructor(core: Core, backend: WasmBackend, unguard: () => void, threads: Threads | null) {
    super(core, 'wasm')
    this.#backend = backend
    this.#unguard = unguard
    this.#threads = threads
    const count = threads?.count() ?? 1
    this.device = `this process, WebAssembly with SIMD, ${count === 1 ? 'one thread' : `${count} threads`}`
    this.#products = new WasmProducts(backend)
    guardMalloc(backend.wasm)
  }

  get table(): StorageTable {
    return this.#backend.dataIdMap
  }

  /** A batch is a loop over its matrices. */
  product(a: Tensor, b: Tensor, turned: Turned = 'none'): Tensor {
    const rank = a.shape.length
    const [m, n] = [a.shape[rank - 2]!, a.shape[rank - 1]!]
    const [rows, inner] = turned === 'first' ? [n, m] : [m, n]
    const columns = b.shape[turned === 'second' ? rank - 2 : rank - 1]!
    const count = rank === 3 ? a.shape[0]! : 1
    const info = this.#backend.makeOutput(rank === 3 ? [count, rows, columns] : [rows, columns], 'float32')
    const [left, right, out] = [this.#address(a), this.#address(b), this.#address(info)]
    const shape = { rows, inner, columns }
    for (let i = 0; i < count; i++) {
      const [x, y, to] = [left + 4 * i * rows * inner, right + 4 * i * inner * columns, out + 4 * i * rows * columns]
      if (turned === 'first') this.#products.firstTurned(x, y, to, shape)
      else if (turned === 'second') this.#products.secondTurned(x, y, to, shape)
      else this.#products.plain(x, y, to, shape)
    }
    return this.adopt(info)
  }

  /** Above 2 GiB the table's addresses are negative. */
  #address(x: TensorInfo): number {
    return this.#backend.dataIdMap.get(x.dataId).memoryOffset >>> 0
  }

  zeros(shape: readonly number[], dtype: EngineType): Tensor {
    const x = this.adopt(this.#backend.makeOutput([...shape], dtype))
    // malloc's bytes are what was there before.
    this.values(x).fill(0)
    return x
  }

  values(x: Tensor): Values {
    return this.#backend.typedArrayFromHeap(x)
  }

  holders(x: Tensor): number {
    return this.#backend.refCount(x.dataId)
  }

  heapBytes(): number {
    return this.#backend.wasm.HEAPU8.length
  }

  close(): void {
    this.#threads?.end()
    this.#unguard()
  }
}

const guarded = new WeakSet<object>()

/**
 * At 4 GiB malloc returns 0 and tfjs writes the tensor at address 0 without a word; a tensor of 4 GiB or more wraps around to a
 * small block, one just below gets a block that ends outside the heap. Throw instead.
 */
export function guardMalloc(wasm: WasmBackend['wasm']): void {
  if (guarded.has(wasm)) return
  // Emscripten's _malloc is a stub until its first call, which puts the real one in its own place, over any guard.
  wasm._free(wasm._malloc(8))
  guarded.add(wasm)
  const malloc = wasm._malloc
  wasm._malloc = (bytes) => {
    const at = bytes < 4 * GIB ? malloc(bytes) : 0
    if (bytes > 0 && (at === 0 || (at >>> 0) + bytes > wasm.HEAPU8.length)) {
      throw new EngineError(
        'out-of-memory',
        'wasm',
        `the engine has no ${bytes} bytes left: its heap stands at ${wasm.HEAPU8.length} of 4294967296 bytes`,
        'Run fewer layers, a smaller batch or shorter sequences.',
      )
    }
    return at
  }
}

/** XNNPACK reports a failed product by `console.warn` only, and the numbers are then wrong. Returns what undoes the guard. */
export function guardWarnings(): () => void {
  const warn = console.warn
  const guard = (...words: unknown[]): void => {
    if (typeof words[0] === 'string' && words[0].startsWith('XNN status')) {
      throw new EngineError('engine-warning', 'wasm', words.join(' '), 'Its result is wrong: use another engine.')
    }
    warn(...words)
  }
  console.warn = guard
  return () => {
    if (console.warn === guard) console.warn = warn
  }
}

/** Loads it with its guards on. Throws where tfjs runs on another backend. */
export async function load(): Promise<WasmEngine> {
  const core = await loadCore()
  const unhook = hooksOf()
  const unguard = guardWarnings()
  try {
    const asked = threadsAsked(process.env)
    await import('@tensorflow/tfjs-backend-wasm')
    const threads = asked > 1 ? await registerThreaded(core, asked) : null
    return new WasmEngine(core, (await activeBackend(core, 'wasm')) as WasmBackend, unguard, threads)
  } catch (e) {
    unguard()
    throw e
  } finally {
    unhook()
  }
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

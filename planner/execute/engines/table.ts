import { ENGINE_NAMES, type EngineName } from '../../trace/engine-names.ts'
import type { Engine } from './engine.ts'
import type { Variant } from './tensorflow/home.ts'
import { LOGGED } from './tensorflow/marks.ts'

/** One engine before it is loaded: what it is, what it takes to have it, and how it comes. */
export interface EngineEntry {
  readonly describe: string
  /** Where the tensors lie: in this process's memory, or on a device that is read by copies. */
  readonly memory: 'host' | 'device'
  /** What must be there besides tidemark's own installation; null where nothing must. */
  readonly needs: string | null
  /** What to type to have it; null where there is nothing to type. */
  readonly install: string | null
  /** Environment under which its framework writes a log of allocations to standard error; null where it writes none. */
  readonly logs: Readonly<Record<string, string>> | null
  /** Why it cannot be loaded here, found out without loading anything heavy; null where it seems to be there. */
  missing(): Promise<string | null>
  /** Bytes of tensors that it can hold now, as far as is known without loading it; null where nobody tells. */
  capacity(): Promise<number | null>
  /** Throws where it does not load; `load.ts` turns that into an `EngineError`. */
  load(): Promise<Engine>
}

const here = () => Promise.resolve(null)

/** Of the machine's free memory some is left: numbers on their way in, libraries' own. */
const freeMemory = async (): Promise<number> => 0.9 * (await import('node:os')).freemem()

/** Of the GPU's as well; unknown where its driver does not answer. */
async function freeDeviceMemory(): Promise<number | null> {
  const bytes = (await import('./tensorflow/driver.ts')).freeDeviceBytes()
  return bytes === null ? null : 0.9 * bytes
}

const missingTensorflow = async (variant: Variant): Promise<string | null> =>
  (await import('./tensorflow/home.ts')).whyMissing(variant)

/** All engines by name. An entry's module is only imported when it is asked for. */
export const ENGINE_TABLE: Readonly<Record<EngineName, EngineEntry>> = {
  'tfjs-node-gpu': {
    describe: 'tfjs on TensorFlow with CUDA',
    memory: 'device',
    needs: 'TensorFlow for CUDA, about 6 GB, and an NVIDIA GPU',
    install: 'tidemark engines install tensorflow --gpu',
    logs: LOGGED,
    missing: () => missingTensorflow('gpu'),
    capacity: freeDeviceMemory,
    load: async () => (await import('./tensorflow/engine.ts')).load('tfjs-node-gpu', 'gpu'),
  },
  'tfjs-node': {
    describe: 'tfjs on TensorFlow',
    memory: 'host',
    needs: 'TensorFlow, about 1.2 GB',
    install: 'tidemark engines install tensorflow',
    logs: LOGGED,
    missing: () => missingTensorflow('cpu'),
    capacity: freeMemory,
    load: async () => (await import('./tensorflow/engine.ts')).load('tfjs-node', 'cpu'),
  },
  webgpu: {
    describe: 'tfjs on WebGPU',
    memory: 'device',
    needs: 'a Vulkan, Metal or Direct3D 12 driver, about 0.2 GB',
    install: 'tidemark engines install webgpu',
    logs: null,
    missing: async () => ((await import('./webgpu/home.ts')).findWebgpu() ? null : 'not installed'),
    // WebGPU does not tell how much memory a device has.
    capacity: here,
    load: async () => (await import('./webgpu/engine.ts')).load(),
  },
  wasm: {
    describe: 'tfjs on WebAssembly, 4 GiB, one thread (TIDEMARK_WASM_THREADS: up to 8)',
    memory: 'host',
    needs: null,
    install: null,
    logs: null,
    missing: here,
    capacity: async () => (await import('./wasm.ts')).WASM_LIMIT_BYTES,
    load: async () => (await import('./wasm.ts')).load(),
  },
  cpu: {
    describe: 'tfjs in plain JavaScript: slow, for checking',
    memory: 'host',
    needs: null,
    install: null,
    logs: null,
    missing: here,
    capacity: freeMemory,
    load: async () => (await import('./cpu.ts')).load(),
  },
}

/** Engines that come with the installation. */
export const BUNDLED: readonly EngineName[] = ENGINE_NAMES.filter((name) => ENGINE_TABLE[name].needs === null)

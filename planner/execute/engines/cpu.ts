import type { DataId, Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import { type Core, CoreEngine, type EngineType, type StorageTable, type Turned, type Values } from './engine.ts'
import { activeBackend, loadCore } from './load.ts'

/** What the engine needs of tfjs-backend-cpu's MathBackendCPU (backend_cpu.ts). */
export interface CpuBackend {
  readonly data: StorageTable & { get(id: DataId): { values: Values } }
  refCount(id: DataId): number
  makeTensorInfo(shape: number[], dtype: EngineType, values: Values): TensorInfo
}

/** tfjs in plain JavaScript: slow, exact, limited by the machine's memory only. */
export class CpuEngine extends CoreEngine {
  readonly name = 'cpu'
  readonly device = 'this process, plain JavaScript'
  readonly limitBytes = null
  readonly #backend: CpuBackend

  constructor(core: Core, backend: CpuBackend) {
    super(core, 'cpu')
    this.#backend = backend
  }

  get table(): StorageTable {
    return this.#backend.data
  }

  product(a: Tensor, b: Tensor, turned: Turned = 'none'): Tensor {
    return this.run('BatchMatMul', { a, b }, { transposeA: turned === 'first', transposeB: turned === 'second' })
  }

  zeros(shape: readonly number[], dtype: EngineType): Tensor {
    const size = shape.reduce((n, s) => n * s, 1)
    const values =
      dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size)
    return this.adopt(this.#backend.makeTensorInfo([...shape], dtype, values))
  }

  values(x: Tensor): Values {
    return this.#backend.data.get(x.dataId).values
  }

  holders(x: Tensor): number {
    return this.#backend.refCount(x.dataId)
  }

  heapBytes(): number | null {
    return null
  }

  close(): void {}
}

/** Loads it. Throws where tfjs runs on another backend. */
export async function load(): Promise<CpuEngine> {
  const core = await loadCore()
  await import('@tensorflow/tfjs-backend-cpu')
  return new CpuEngine(core, (await activeBackend(core, 'cpu')) as CpuBackend)
}

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { DataId, Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import { EngineError } from '../../errors.ts'
import { type Core, CoreEngine, type EngineType, type StorageTable, type TableEntry, type Values } from '../engine.ts'
import { activeBackend, loadCore } from '../load.ts'
import type { DeviceLoop, LoopNumbers } from '../loop.ts'
import { adapterOf, deviceOf, Faults } from './adapter.ts'
import { type Gpu, type GpuAdapter, type GpuBuffer, type GpuDevice, MAP_READ, USAGE } from './gpu.ts'
import { findWebgpu, PACKAGES } from './home.ts'
import { Loops, type Operand } from './loops.ts'

/** An entry of the backend's table (backend_webgpu.ts, TensorData); the buffer comes with its first use. */
interface Entry extends TableEntry {
  readonly dtype: EngineType
  readonly shape: readonly number[]
  resource?: GpuBuffer | null
}

/** What the engine needs of WebGPUBackend (backend_webgpu.ts) and of its BufferManager (buffer_manager.ts). */
export interface WebgpuBackend {
  readonly tensorMap: StorageTable & { get(id: DataId): Entry }
  readonly bufferManager: {
    readonly numBytesUsed: number
    releaseBuffer(buffer: GpuBuffer, reuse?: boolean): void
  }
  refCount(id: DataId): number
  makeTensorInfo(shape: readonly number[], dtype: EngineType): TensorInfo
  uploadToGPU(id: DataId): void
  write(values: unknown, shape: readonly number[], dtype: EngineType): DataId
}

/** Elements up to which the host keeps what it uploaded, so that a kernel can read it without waiting. Whole numbers are kept always. */
const KEPT = 2 ** 20

/** tfjs on WebGPU through Dawn: every buffer is made with its tensor and destroyed with it. */
export class WebgpuEngine extends CoreEngine {
  readonly name = 'webgpu'
  readonly device: string
  readonly limitBytes = null
  override readonly itemsize = { float32: 4, int32: 4, bool: 4 } as const
  readonly #gpu: GpuDevice
  readonly #backend: WebgpuBackend
  readonly #faults: Faults
  readonly #loops: Loops
  readonly #known = new WeakMap<DataId, Values>()

  constructor(core: Core, backend: WebgpuBackend, { device, faults, description }: Session) {
    super(core, 'webgpu')
    this.#backend = backend
    this.#gpu = device
    this.#faults = faults
    this.#loops = new Loops(device)
    this.device = description
  }

  get table(): StorageTable {
    return this.#backend.tensorMap
  }

  protected override check(): void {
    super.check()
    this.#faults.check()
  }

  product(a: Tensor, b: Tensor, turned: 'none' | 'first' | 'second' = 'none'): Tensor {
    return this.run('BatchMatMul', { a, b }, { transposeA: turned === 'first', transposeB: turned === 'second' })
  }

  /** WebGPU hands out no buffer that is not zero. */
  zeros(shape: readonly number[], dtype: EngineType): Tensor {
    const x = this.adopt(this.#backend.makeTensorInfo([...shape], dtype))
    if (x.size > 0) this.#backend.uploadToGPU(x.dataId)
    return x
  }

  override upload(values: ArrayLike<number>, shape: readonly number[], dtype: EngineType): Tensor {
    const x = this.zeros(shape, dtype)
    const stored = dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values)
    if (x.size > 0) this.#gpu.queue.writeBuffer(this.#operand(x).buffer, 0, stored)
    if (dtype !== 'float32' || stored.length <= KEPT) this.#known.set(x.dataId, stored)
    return x
  }

  override known(x: Tensor): Values | null {
    return this.#known.get(x.dataId) ?? null
  }

  override loop(loop: DeviceLoop, tensors: readonly Tensor[], numbers: () => LoopNumbers): void {
    this.check()
    for (const x of tensors.slice(0, loop.written)) this.#known.delete(x.dataId)
    if (tensors.some((x) => x.size === 0)) return
    this.#loops.run(
      loop,
      tensors.map((x) => this.#operand(x)),
      numbers(),
    )
  }

  values(): Values {
    const message = "the numbers lie on a device, out of the host's reach"
    throw new EngineError('not-on-host', this.name, message, 'Take an engine in host memory, such as wasm.')
  }

  /** Past the backend's own read, which would keep its copy as if nothing changed the buffer any more. */
  override async read(x: Tensor): Promise<Values> {
    const { dtype } = x
    if (x.size === 0) return dtype === 'float32' ? new Float32Array(0) : new Int32Array(0)
    const { buffer } = this.#operand(x)
    const copy = this.#gpu.createBuffer({ size: buffer.size, usage: USAGE.mapRead | USAGE.copyTarget })
    const encoder = this.#gpu.createCommandEncoder()
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size)
    this.#gpu.queue.submit([encoder.finish()])
    try {
      await copy.mapAsync(MAP_READ)
      const bytes = copy.getMappedRange().slice(0)
      this.#faults.check()
      return dtype === 'float32' ? new Float32Array(bytes) : new Int32Array(bytes)
    } catch (e) {
      // What was lost or refused before says more than the mapping that failed after it.
      this.#faults.check()
      throw e
    } finally {
      copy.destroy()
    }
  }

  holders(x: Tensor): number {
    return this.#backend.refCount(x.dataId)
  }

  /** Bytes of the buffers that the backend holds now: the ledger's, where nothing is held twice or late. */
  get bufferBytes(): number {
    return this.#backend.bufferManager.numBytesUsed
  }

  heapBytes(): null {
    return null
  }

  close(): void {}

  #operand(x: Tensor): Operand {
    const { dtype, resource } = this.#backend.tensorMap.get(x.dataId)
    if (resource) return { buffer: resource, dtype }
    throw new EngineError('not-on-host', this.name, 'a tensor has no buffer on the device', 'Report this.')
  }
}

/** A device that is open: one a process, since a backend keeps its own. */
interface Session {
  readonly device: GpuDevice
  readonly faults: Faults
  readonly description: string
}

const sessions = new WeakMap<object, Session>()

/** Loads tfjs's backend on Dawn. Throws `EngineError` where it is not installed or no adapter will do. */
export async function load(): Promise<WebgpuEngine> {
  const installation = findWebgpu()
  if (!installation) {
    const next = 'Type `tidemark engines install webgpu`.'
    throw new EngineError('engine-not-loaded', 'webgpu', 'WebGPU is not installed for it', next)
  }
  const core = await loadCore()
  const require = createRequire(installation.from)
  let session: Session | null = null
  if (core.findBackendFactory('webgpu') === null) {
    const { gpu, adapter } = await dawn(require)
    const device = await deviceOf(adapter)
    session = { device, faults: new Faults(device), description: adapter.info.description || adapter.info.device }
    register(core, require, gpu, { adapter, device })
  }
  // The class that registerBackend was given.
  const backend = (await activeBackend(core, 'webgpu')) as WebgpuBackend
  const known = sessions.get(backend) ?? session
  if (!known) throw new Error('another program has registered a backend of this name')
  sessions.set(backend, known)
  return new WebgpuEngine(core, backend, known)
}

/** Dawn's entry for node is an ES module that loads a native library. */
async function dawn(require: NodeJS.Require): Promise<{ gpu: Gpu; adapter: GpuAdapter }> {
  const module: { create(options: readonly string[]): Gpu; globals: object } = await import(
    pathToFileURL(require.resolve(PACKAGES[0])).href
  )
  const gpu = module.create([])
  const adapter = await adapterOf(gpu)
  Object.assign(globalThis, module.globals)
  return { gpu, adapter }
}

/** Registers the package's kernels, and a backend on this device in the place of the package's own, which would choose one. */
function register(
  core: Core,
  require: NodeJS.Require,
  gpu: Gpu,
  { adapter, device }: { readonly adapter: GpuAdapter; readonly device: GpuDevice },
): void {
  // The class that dist/index.js exports.
  const { WebGPUBackend } = require(PACKAGES[1]) as {
    WebGPUBackend: new (
      device: GpuDevice,
      info: GpuAdapter['info'],
    ) => InstanceType<Core['KernelBackend']> & WebgpuBackend
  }
  // A tensor goes when it is disposed, not some calls later; no kernel computes on the host.
  core.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', 1)
  core.env().set('WEBGPU_CPU_FORWARD', false)
  core.registerBackend('webgpu', () => {
    // The backend only asks whether it is there. Node 20 has no navigator, newer ones one that takes properties.
    const { navigator = {} } = globalThis as { navigator?: object }
    Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true })
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true })
    const backend = new WebGPUBackend(device, adapter.info)
    destroyOnRelease(backend)
    limit(backend, device)
    return backend
  })
}

/** Buffers are destroyed, not kept for the next tensor of their size. */
function destroyOnRelease({ bufferManager }: WebgpuBackend): void {
  const release = bufferManager.releaseBuffer
  bufferManager.releaseBuffer = (buffer) => release.call(bufferManager, buffer, false)
}

/** Over the limits a device gives stale numbers: refuse before the table lists the tensor. */
export function limit(backend: Pick<WebgpuBackend, 'write'>, { limits }: Pick<GpuDevice, 'limits'>): void {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)
  const write = backend.write
  backend.write = (values, shape, dtype) => {
    const bytes = shape.reduce((n, s) => n * s, 4)
    if (bytes > most) {
      const message = `a tensor of ${bytes} bytes is more than the ${most} that the adapter binds at once`
      throw new EngineError('out-of-memory', 'webgpu', message, 'Take a smaller batch or shorter sequences.')
    }
    return write.call(backend, values, shape, dtype)
  }
}

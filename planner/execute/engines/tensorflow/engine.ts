import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { DataId, Tensor } from '@tensorflow/tfjs-core'
import { EngineError } from '../../errors.ts'
import {
  type Core,
  CoreEngine,
  type EngineName,
  type EngineType,
  type Framework,
  type Storage,
  type StorageTable,
  type TableEntry,
  type Turned,
  type Values,
} from '../engine.ts'
import { activeBackend, loadCore } from '../load.ts'
import type { DeviceLoop, HostLoop, LoopNumbers } from '../loop.ts'
import {
  type AllocatorStatistics,
  type Binding,
  hasWitness,
  type Output,
  openBinding,
  restoreIsNullOrUndefined,
} from './binding.ts'
import { driverBytes } from './driver.ts'
import { findInstallation, type Installation, PACKAGE_OF, type Variant, whyMissing } from './home.ts'
import { mark } from './marks.ts'
import { mirrored } from './mirrors.ts'
import { emulated } from './stock.ts'

/** An entry of tfjs-node's own table (nodejs_kernel_backend.ts, TensorData). `values` were given and wait for their first use. */
interface Entry extends TableEntry {
  readonly shape: readonly number[]
  readonly dtype: number
  readonly id: number
  readonly values: Values | null
}

/** What the engine needs of NodeJSKernelBackend. */
interface Backend {
  readonly binding: Binding
  readonly tensorMap: StorageTable & { get(id: DataId): Entry }
  refCount(id: DataId): number
  createOutputTensor(output: Output): Tensor
}

/** tensorflow/core/framework/types.proto */
const DTYPE: Readonly<Record<EngineType, number>> = { float32: 1, int32: 3, bool: 10 }
const NAME_OF: Readonly<Record<number, EngineType>> = { 1: 'float32', 3: 'int32', 10: 'bool' }
const VIEW = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const
const ITEMSIZE = { float32: 4, int32: 4, bool: 1 } as const

/** Operations that are meant to give another handle over their input's bytes. */
const ALIASING = new Set(['Reshape', 'Cast', 'Identity'])

/** The loop that turns a matrix where it lies (native/loops.h). */
const TURN = 'turn'

/** What an element of a second operand that is read turned costs, in elements of a result that is turned. */
const STRIDED = 4

/**
 * Whether `a · bᵀ` is faster as `(b · aᵀ)ᵀ`: Eigen packs its second operand, and where that lies turned it walks over it a row's
 * length at a time. Of a linear's weight that is five times the product itself at 256 tokens.
 */
function isTurnedFaster(a: Tensor, b: Tensor): boolean {
  return a.rank === 2 && STRIDED * (b.size - a.size) > a.shape[0]! * b.shape[0]!
}

/** tfjs on TensorFlow. Its tensors' bytes come from TensorFlow's allocator. */
export class TensorflowEngine extends CoreEngine {
  readonly name: EngineName
  readonly device: string
  readonly limitBytes: number | null
  override readonly framework: Framework | null
  readonly #backend: Backend
  readonly #binding: Binding

  constructor(core: Core, name: EngineName, backend: Backend) {
    super(core, 'tensorflow')
    const { binding } = backend
    this.name = name
    this.#backend = backend
    this.#binding = binding
    this.framework = frameworkOf(binding)
    const gpu = binding.allocatorStatistics().find((d) => d.type === 'GPU')
    const threads = `${process.env.TF_NUM_INTRAOP_THREADS} threads, oneDNN off`
    this.device = `TensorFlow ${binding.TF_Version}, ${binding.isUsingGpuDevice() ? (gpu?.description ?? 'GPU') : threads}`
    this.limitBytes = gpu?.limit ?? null
  }

  get table(): StorageTable {
    return this.#backend.tensorMap
  }

  /** Values that wait for their first use are an operation's arguments (axes, a permutation), which no device holds. */
  override storage(_id: DataId, entry: TableEntry): Storage | null {
    const { id, shape, dtype, values } = entry as Entry
    if (values !== null) return null
    const type = NAME_OF[dtype]
    if (!type)
      throw new EngineError('not-executed', this.name, `TensorFlow's type ${dtype} has no tensor here`, 'Report this.')
    // What is empty has no address of its own.
    const address = this.#binding.tensorAddress(id)
    return { dtype: type, elements: shape.reduce((n, s) => n * s, 1), key: address === 0 ? entry : address }
  }

  product(a: Tensor, b: Tensor, turned: Turned = 'none'): Tensor {
    if (turned === 'second' && this.#binding.loops.includes(TURN) && isTurnedFaster(a, b))
      return this.#turnedProduct(a, b)
    return this.run('BatchMatMul', { a, b }, { transposeA: turned === 'first', transposeB: turned === 'second' })
  }

  /** `a · bᵀ` as `(b · aᵀ)ᵀ`, the result turned where it lies. */
  #turnedProduct(a: Tensor, b: Tensor): Tensor {
    const [n, m] = [a.shape[0]!, b.shape[0]!]
    const product = this.run('BatchMatMul', { a: b, b: a }, { transposeA: false, transposeB: true })
    this.#binding.runLoop(TURN, [this.#idOf(product)], [m, n], [])
    const y = this.alias(product, [n, m])
    product.dispose()
    return y
  }

  override loop(device: DeviceLoop, tensors: readonly Tensor[], numbers: () => LoopNumbers, host: HostLoop): void {
    if (!this.#binding.loops.includes(device.name)) {
      super.loop(device, tensors, numbers, host)
      return
    }
    const { whole = [], real = [] } = numbers()
    const ids = tensors.map((x) => this.#idOf(x))
    this.#binding.runLoop(device.name, ids, whole, Array.from(real))
  }

  /** Without TensorFlow's Reshape, which takes longer than many a kernel. */
  override alias(x: Tensor, shape: readonly number[]): Tensor {
    this.check()
    const { id, dtype } = this.#backend.tensorMap.get(x.dataId)
    return this.#backend.createOutputTensor({ id: this.#binding.aliasTensor(id, shape), shape: [...shape], dtype })
  }

  zeros(shape: readonly number[], dtype: EngineType): Tensor {
    this.check()
    const id = this.#binding.allocateTensor(shape, DTYPE[dtype], ITEMSIZE[dtype])
    return this.#backend.createOutputTensor({ id, shape: [...shape], dtype: DTYPE[dtype] })
  }

  values(x: Tensor): Values {
    const { id, shape, dtype } = this.#backend.tensorMap.get(x.dataId)
    const type = NAME_OF[dtype]!
    const bytes = shape.reduce((n, s) => n * s, ITEMSIZE[type])
    return new VIEW[type](bytes === 0 ? new ArrayBuffer(0) : this.#binding.tensorView(id, bytes))
  }

  #idOf(x: Tensor): number {
    return this.#backend.tensorMap.get(x.dataId).id
  }

  holders(x: Tensor): number {
    return this.#backend.refCount(x.dataId)
  }

  /** Bytes of large blocks as TensorFlow's allocator on the processor holds them. */
  heldBlocks(): ReturnType<Binding['heldBlocks']> {
    return this.#binding.heldBlocks()
  }

  heapBytes(): null {
    return null
  }

  close(): void {}
}

/** Loads tfjs-node on the TensorFlow that is installed. Throws `EngineError` where there is none. */
export async function load(name: EngineName, variant: Variant): Promise<TensorflowEngine> {
  const installation = findInstallation(variant)
  if (installation === null) {
    const next = `Type \`${installCommand(variant)}\`.`
    throw new EngineError('engine-not-loaded', name, 'TensorFlow is not installed for it', next)
  }
  if (!installation.current) {
    const next = `Type \`${installCommand(variant)}\`: it compiles the binding again, and fetches nothing.`
    throw new EngineError('engine-not-loaded', name, whyMissing(variant) ?? '', next)
  }
  const core = await loadCore()
  // tfjs keeps a backend for the life of the process, and with it the binding that it was given
  if (core.findBackendFactory('tensorflow') === null)
    registerBackend(core, installation, bindingFor(name, installation))
  const backend = (await activeBackend(core, 'tensorflow')) as Backend
  return new TensorflowEngine(core, name, backend)
}

/** @throws EngineError where it lacks a GPU that it should have */
function bindingFor(name: EngineName, installation: Installation): Binding {
  const binding = openBinding(installation)
  if (installation.variant === 'gpu' && !binding.isUsingGpuDevice() && process.env.TIDEMARK_GPU_ENGINE_ON_CPU !== '1') {
    const next = 'Does `nvidia-smi` answer? A library of CUDA that is missing is named under TF_CPP_MIN_LOG_LEVEL=0.'
    throw new EngineError('engine-not-loaded', name, 'TensorFlow sees no GPU and would compute on the processor', next)
  }
  // a stock one shows no memory either
  if (!hasWitness(binding)) return owning(mirrored(emulated(binding)))
  return owning(isOutOfReach(binding) ? mirrored(binding) : binding)
}

const installCommand = (variant: Variant): string =>
  `tidemark engines install tensorflow${variant === 'gpu' ? ' --gpu' : ''}`

/** Registers the package's kernels and a backend over this binding, in the place of the package's entry, which looks for its own. */
function registerBackend(core: Core, { package: folder, variant }: Installation, binding: Binding): void {
  restoreIsNullOrUndefined()
  const load = createRequire(join(folder, 'package.json'))
  load('./dist/register_all_kernels.js')
  // The class that dist/nodejs_kernel_backend.js exports.
  const { NodeJSKernelBackend } = load('./dist/nodejs_kernel_backend.js') as {
    NodeJSKernelBackend: new (binding: Binding, name: string) => InstanceType<Core['KernelBackend']>
  }
  core.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, PACKAGE_OF[variant]), 3)
}

/**
 * The binding, with two rules of this engine. A result owns its bytes: TensorFlow hands the input's on where nothing is to be
 * done (a slice of whole rows, an axis of one), which would keep all of them alive. And an operation's arguments come from no
 * allocator of TensorFlow.
 */
function owning(binding: Binding): Binding {
  const { executeOp, deleteTensor, sharesMemory, TF_ATTR_TYPE } = binding
  return {
    ...binding,
    createTensor: binding.argumentTensor,
    executeOp(name, attributes, inputs, count) {
      const outputs = executeOp(name, attributes, inputs, count)
      mark('op')
      if (ALIASING.has(name)) return outputs
      return outputs.map((output) => {
        if (!sharesMemory(output.id, inputs)) return output
        const [copy] = executeOp('DeepCopy', [{ name: 'T', type: TF_ATTR_TYPE, value: output.dtype }], [output.id], 1)
        deleteTensor(output.id)
        return copy!
      })
    },
  }
}

/** A device's memory, or the processor's treated so: the mirrors are tested there. */
const isOutOfReach = (binding: Binding): boolean =>
  binding.isUsingGpuDevice() || process.env.TIDEMARK_TENSORFLOW_MEMORY === 'device'

/** Statistics of the device that computes: the GPU where there is one. */
function computing(binding: Binding): AllocatorStatistics {
  const devices = binding.allocatorStatistics()
  return devices.find((d) => d.type === 'GPU') ?? devices[0]!
}

function frameworkOf(binding: Binding): Framework | null {
  // a stock binding tells nothing
  if (binding.allocatorStatistics().length === 0) return null
  const { allocator, type } = computing(binding)
  return {
    allocator,
    read: () => {
      const { bytesInUse: inUse, peakBytesInUse: peak, bytesReserved: reserved } = computing(binding)
      return { inUse, peak, reserved }
    },
    restart: () => binding.clearAllocatorStatistics(),
    mark,
    driverBytes: () => (type === 'GPU' ? driverBytes() : null),
  }
}

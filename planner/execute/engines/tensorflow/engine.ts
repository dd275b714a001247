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
import { type Binding, hasWitness, type Output, openBinding, restoreIsNullOrUndefined } from './binding.ts'
import { findInstallation, type Installation, PACKAGE_OF, type Variant } from './home.ts'
import { mark } from './marks.ts'

/** An entry of tfjs-node's own table (nodejs_kernel_backend.ts, TensorData). `values` were given and wait for their first use. */
interface Entry extends TableEntry {
  readonly shape: readonly number[]
  readonly dtype: number
  readonly id: number
  readonly values: Values | null
}

/** What the engine needs of NodeJSKernelBackend. */
interface Backend {
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

/** tfjs on TensorFlow whose tensors lie in this process's memory; their bytes come from TensorFlow's allocator. */
export class TensorflowEngine extends CoreEngine {
  readonly name: EngineName
  readonly device: string
  readonly limitBytes = null
  override readonly framework: Framework
  readonly #backend: Backend
  readonly #binding: Binding

  constructor(core: Core, name: EngineName, backend: Backend, binding: Binding) {
    super(core, 'tensorflow')
    this.name = name
    this.#backend = backend
    this.#binding = binding
    this.framework = frameworkOf(binding)
    const threads = process.env.TF_NUM_INTRAOP_THREADS
    this.device = `TensorFlow ${binding.TF_Version}, ${threads} threads, oneDNN off`
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
    return this.run('BatchMatMul', { a, b }, { transposeA: turned === 'first', transposeB: turned === 'second' })
  }

  zeros(shape: readonly number[], dtype: EngineType): Tensor {
    this.check()
    const id = this.#binding.allocateTensor(shape, DTYPE[dtype])
    return this.#backend.createOutputTensor({ id, shape: [...shape], dtype: DTYPE[dtype] })
  }

  values(x: Tensor): Values {
    const { id, shape, dtype } = this.#backend.tensorMap.get(x.dataId)
    const type = NAME_OF[dtype]!
    const bytes = shape.reduce((n, s) => n * s, ITEMSIZE[type])
    return new VIEW[type](bytes === 0 ? new ArrayBuffer(0) : this.#binding.tensorView(id, bytes))
  }

  holders(x: Tensor): number {
    return this.#backend.refCount(x.dataId)
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
    const next = `Type \`tidemark engines install tensorflow${variant === 'gpu' ? ' --gpu' : ''}\`.`
    throw new EngineError('engine-not-loaded', name, 'TensorFlow is not installed for it', next)
  }
  const core = await loadCore()
  const binding = openBinding(installation)
  if (!hasWitness(binding)) throw new Error('a stock binding does not show where tensors lie')
  const owned = owning(binding)
  registerBackend(core, installation, owned)
  return new TensorflowEngine(core, name, (await activeBackend(core, 'tensorflow')) as Backend, owned)
}

/** Registers the package's kernels and a backend over this binding, in the place of the package's entry, which looks for its own. */
function registerBackend(core: Core, { package: folder, variant }: Installation, binding: Binding): void {
  if (core.findBackendFactory('tensorflow') !== null) return
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

/** The statistics of the device that computes: the last one listed, since the processor is always there. */
function frameworkOf(binding: Binding): Framework {
  const device = () => binding.allocatorStatistics().at(-1)!
  return {
    allocator: device().allocator,
    read: () => {
      const { bytesInUse: inUse, peakBytesInUse: peak, bytesReserved: reserved } = device()
      return { inUse, peak, reserved }
    },
    restart: () => binding.clearAllocatorStatistics(),
    mark,
  }
}

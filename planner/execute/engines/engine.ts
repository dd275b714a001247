import type { DataId, NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import type { EngineName } from '../../trace/engine-names.ts'
import { EngineError } from '../errors.ts'
import type { DeviceLoop, HostLoop, LoopNumbers } from './loop.ts'

export type { EngineName }

/** Element types that an engine stores. */
export type EngineType = 'float32' | 'int32' | 'bool'
export type Values = Float32Array | Int32Array | Uint8Array

/** Which operand of a product is to be read transposed. */
export type Turned = 'none' | 'first' | 'second'

/** One storage as the engine's own table lists it: wasm's entries have a shape, cpu's their values, TensorFlow's a number as type. */
export interface TableEntry {
  readonly dtype: string | number
  readonly shape?: readonly number[]
  readonly values?: { readonly length: number } | null
}

/** The engine's own table of storages (tfjs-core, DataStorage). */
export interface StorageTable {
  set(id: DataId, entry: TableEntry): void
  delete(id: DataId): boolean
  numDataIds(): number
}

/** What the ledger needs to know of an entry. */
export interface Storage {
  readonly dtype: EngineType
  readonly elements: number
  /** The same for all entries over the same bytes. */
  readonly key: unknown
}

/** What the framework under an engine counts by itself of its device's memory. */
export interface Framework {
  /** The allocator, as the framework calls it. */
  readonly allocator: string
  /** Bytes that are given out now, the most since the last `restart`, and what the allocator holds for them. */
  read(): { readonly inUse: number; readonly peak: number; readonly reserved: number }
  /** Counts the most anew from now on. */
  restart(): void
  /** Bytes that the device's driver shows for this process; null where there is none, or it does not say. */
  driverBytes(): number | null
  /** Writes a place of the run into the framework's log of allocations, where one is written. */
  mark(text: string): void
}

/** What an execution engine offers to kernels. Each call that returns a tensor makes exactly one storage, `alias` none. */
export interface Engine {
  readonly name: EngineName
  /** tfjs's version, as it goes into a trace's header. */
  readonly version: string
  /** What it computes on, in words. */
  readonly device: string
  /** Live bytes above which a run is refused before it starts; null where only the machine's memory limits. */
  readonly limitBytes: number | null
  /** Bytes of an element as the engine stores it. */
  readonly itemsize: Readonly<Record<EngineType, number>>
  readonly table: StorageTable
  /** The bytes behind an entry of the table; null where it holds none yet. */
  storage(id: DataId, entry: TableEntry): Storage | null
  /** Makes it the engine that tfjs runs on, of those that are loaded. Throws `EngineError` where tfjs does not follow. */
  activate(): void
  /** One tfjs kernel by name (tfjs-core, kernel_names.ts). */
  run(kernel: string, inputs: Readonly<Record<string, Tensor>>, attributes?: NamedAttrMap): Tensor
  runList(kernel: string, inputs: readonly Tensor[], attributes?: NamedAttrMap): Tensor
  /**
   * `[s, n, k] × [s, k, m] → [s, n, m]`, or without the `s`. float32. Of a turned operand the last two axes lie the other way
   * round: `[s, k, n]` the first, `[s, m, k]` the second. How an engine turns or packs is its own affair: no storage in its table.
   */
  product(a: Tensor, b: Tensor, turned?: Turned): Tensor
  /** Another handle over the same storage. */
  alias(x: Tensor, shape: readonly number[]): Tensor
  /** A new tensor of zeros. */
  zeros(shape: readonly number[], dtype: EngineType): Tensor
  /**
   * The storage's numbers themselves, to read or write, on an engine whose memory is the host's. Not valid after the next allocation:
   * the heap may have moved. Throws `EngineError` where the numbers lie on a device.
   */
  values(x: Tensor): Values
  /** A new tensor with these numbers, row by row. */
  upload(values: ArrayLike<number>, shape: readonly number[], dtype: EngineType): Tensor
  /** The numbers to read, without waiting: the storage's own, or what a device was given; null where only the device has them. */
  known(x: Tensor): Values | null
  /**
   * Runs a loop that tfjs has no kernel for over the tensors' storages, in place and without a storage of its own: `host` where memory
   * is the host's, else `device` with the numbers.
   */
  loop(device: DeviceLoop, tensors: readonly Tensor[], numbers: () => LoopNumbers, host: HostLoop): void
  /** A copy of the numbers, from wherever they lie. What is on its way is read even if the tensor is disposed meanwhile. */
  read(x: Tensor): Promise<Values>
  /** Handles that share the tensor's entry of the table. */
  holders(x: Tensor): number
  /** Bytes of the engine's own heap, which grows and never shrinks; null where it has none. */
  heapBytes(): number | null
  /** The framework's own count, where it has one. */
  readonly framework: Framework | null
  /** Gives the process back what the engine's guards took (`console.warn`). */
  close(): void
}

/** The parts of tfjs-core that the engines use; loaded only when an engine is. */
export type Core = typeof import('@tensorflow/tfjs-core')

/** What the engines do alike. */
export abstract class CoreEngine implements Engine {
  abstract readonly name: EngineName
  abstract readonly device: string
  abstract readonly limitBytes: number | null
  abstract readonly table: StorageTable
  readonly version: string
  readonly framework: Framework | null = null
  readonly itemsize: Readonly<Record<EngineType, number>> = { float32: 4, int32: 4, bool: 1 }
  protected readonly core: Core
  /** tfjs's own name of the backend. */
  protected readonly backendName: string

  constructor(core: Core, backendName: string) {
    this.backendName = backendName
    this.core = core
    this.version = core.version_core
  }

  abstract product(a: Tensor, b: Tensor, turned?: Turned): Tensor
  abstract zeros(shape: readonly number[], dtype: EngineType): Tensor
  abstract values(x: Tensor): Values
  abstract holders(x: Tensor): number
  abstract heapBytes(): number | null
  abstract close(): void

  /** wasm's table keeps shapes, cpu's the values themselves; both have an entry a storage. */
  storage(id: DataId, { dtype, shape, values }: TableEntry): Storage | null {
    const elements = shape ? shape.reduce((n, s) => n * s, 1) : (values?.length ?? 0)
    // tfjs-core's names of types, of which a run has these.
    return { dtype: dtype as EngineType, elements, key: id }
  }

  upload(values: ArrayLike<number>, shape: readonly number[], dtype: EngineType): Tensor {
    const x = this.zeros(shape, dtype)
    this.values(x).set(values)
    return x
  }

  known(x: Tensor): Values | null {
    return this.values(x)
  }

  loop(_device: DeviceLoop, tensors: readonly Tensor[], _numbers: () => LoopNumbers, host: HostLoop): void {
    host(...tensors.map((x) => this.values(x)))
  }

  read(x: Tensor): Promise<Values> {
    return Promise.resolve(this.values(x).slice())
  }

  activate(): void {
    // A loaded backend is set at once; the promise has nothing left to wait for.
    void this.core.setBackend(this.backendName)
    this.check()
  }

  protected check(): void {
    if (this.core.getBackend() === this.backendName) return
    const message = `tfjs runs on ${this.core.getBackend()}, not on ${this.name}`
    throw new EngineError('engine-not-loaded', this.name, message, 'One engine runs at a time: activate it.')
  }

  run(kernel: string, inputs: Readonly<Record<string, Tensor>>, attributes: NamedAttrMap = {}): Tensor {
    this.check()
    return this.core.engine().runKernel<Tensor>(kernel, { ...inputs }, attributes)
  }

  runList(kernel: string, inputs: readonly Tensor[], attributes: NamedAttrMap = {}): Tensor {
    // A list of inputs is typed as a map in tfjs-core too: its own `concat` casts likewise.
    return this.core.engine().runKernel<Tensor>(kernel, [...inputs] as unknown as Record<string, Tensor>, attributes)
  }

  alias(x: Tensor, shape: readonly number[]): Tensor {
    return this.run('Reshape', { x }, { shape: [...shape] })
  }

  /** A handle over a storage that the backend has made. */
  protected adopt(info: TensorInfo): Tensor {
    this.check()
    return this.core.engine().makeTensorFromTensorInfo(info)
  }
}

import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import util from 'node:util'
import type { Values } from '../engine.ts'
import type { Installation, Variant } from './home.ts'

/** What an operation gave: the tensor's number in the binding, its shape and TensorFlow's number of its type. */
export interface Output {
  readonly id: number
  readonly shape: number[]
  readonly dtype: number
}

export interface OperationAttribute {
  readonly name: string
  readonly type: number
  readonly value: unknown
}

/** What a device's allocator counts (tsl/framework/allocator.h, AllocatorStats). */
export interface AllocatorStatistics {
  readonly device: string
  readonly type: string
  readonly description: string
  /** Bytes that the device may give; of the processor TensorFlow states no true figure. */
  readonly limit: number
  readonly allocator: string
  readonly bytesInUse: number
  readonly peakBytesInUse: number
  readonly bytesReserved: number
  readonly allocations: number
}

/** tfjs-node's binding (binding/tfjs_binding.cc). */
export interface StockBinding {
  readonly TF_Version: string
  readonly TF_ATTR_TYPE: number
  createTensor(shape: readonly number[], dtype: number, values: Values): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): Values
  executeOp(
    name: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): Output[]
  isUsingGpuDevice(): boolean
}

/** The binding with what tidemark compiles into it (native/memory.cc). */
export interface Binding extends StockBinding {
  /** `itemsize` is read on this side only. */
  allocateTensor(shape: readonly number[], dtype: number, itemsize: number): number
  aliasTensor(id: number, shape: readonly number[]): number
  argumentTensor(shape: readonly number[], dtype: number, values: Values): number
  tensorAddress(id: number): number
  tensorWrite(id: number, bytes: Uint8Array): void
  tensorView(id: number, bytes: number): ArrayBuffer
  sharesMemory(id: number, others: readonly number[]): boolean
  allocatorStatistics(): AllocatorStatistics[]
  clearAllocatorStatistics(): void
  /** Bytes of large blocks in use, kept for the next of their size, and the most that were in use at one time (native/blocks.h). */
  heldBlocks(): { readonly inUse: number; readonly kept: number; readonly most: number }
  /** Loops of native/loops.h by name; none where a tensor's bytes are out of reach. */
  readonly loops: readonly string[]
  runLoop(name: string, ids: readonly number[], whole: readonly number[], real: readonly number[]): void
}

/** How TensorFlow is set before it loads, each with its reason. */
export function pinned(variant: Variant, threads = availableParallelism()): Record<string, string> {
  return {
    // a build with CUDA stays on the processor where that is what was asked for
    ...(variant === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : {}),
    // oneDNN's kernels take scratch by the processor at hand, up to ten times the tensors.
    TF_ENABLE_ONEDNN_OPTS: '0',
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
    // else the allocator takes nearly all of the GPU at once
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // warnings about the build; the allocation log asks for more
    TF_CPP_MIN_LOG_LEVEL: '2',
  }
}

/**
 * Loads the compiled binding and gives a copy whose members can be replaced: the module's own are read-only. A broken libtensorflow
 * ends the process. Throws where the file does not load.
 */
export function openBinding({ binding, variant }: Installation): StockBinding | Binding {
  for (const [name, value] of Object.entries(pinned(variant))) process.env[name] ??= value
  const loaded: object = createRequire(import.meta.url)(binding)
  const copy: Record<string, unknown> = {}
  for (const name of Object.getOwnPropertyNames(loaded)) copy[name] = Reflect.get(loaded, name)
  if (process.env.TIDEMARK_TENSORFLOW_MEMORY === 'stock') for (const name of ADDED) delete copy[name]
  // The members are those of binding/tfjs_binding.cc, and of memory.cc where tidemark compiled it.
  return copy as unknown as StockBinding | Binding
}

/** What a stock binding lacks: its absence is tested with these taken away. */
const ADDED = [
  'allocateTensor',
  'aliasTensor',
  'argumentTensor',
  'tensorAddress',
  'tensorWrite',
  'tensorView',
  'sharesMemory',
  'allocatorStatistics',
  'clearAllocatorStatistics',
  'heldBlocks',
  'loops',
  'runLoop',
]

export const hasWitness = (binding: StockBinding | Binding): binding is Binding => 'allocateTensor' in binding

/** tfjs-node asks for it; node 23 took it away (fixed upstream in tfjs#8425, never released). */
export function restoreIsNullOrUndefined(): void {
  const legacy: { isNullOrUndefined?: (v: unknown) => boolean } = util
  legacy.isNullOrUndefined ??= (v) => v === null || v === undefined
}

import type { Device } from '../../devices/index.ts'
import { CachingAllocator } from './allocator.ts'
import type { AllocatorConfig } from './config.ts'
import { type OutOfMemory, Process } from './process.ts'
import type { Requests } from './requests.ts'
import { workspacesOf } from './workspaces.ts'

/** Steps after which a process that still grows is taken to go on as it is. */
const MAX_STEPS = 6

export interface Training {
  /** Where it ran out of memory; null where it did not. */
  readonly outOfMemory: OutOfMemory | null
  /** Peaks of the whole run, by PyTorch's names: `allocated_bytes.all.peak` and so on. */
  readonly statistics: Readonly<Record<string, number>>
  readonly allocatedBytes: number
  readonly reservedBytes: number
  /** The most that is reserved in a step once training has settled: less than the peak where cached blocks had to be given back. */
  readonly settledBytes: number
  /** Steps until one asked the device for nothing more. */
  readonly steps: number
}

/**
 * Loads a model and trains it on the simulated allocator, until a step asks the device for nothing more.
 *
 * @param capacity bytes that the allocator may have; Infinity shows what it would take
 */
export function train(requests: Requests, capacity: number, config: AllocatorConfig, device: Device | null): Training {
  const allocator = new CachingAllocator(capacity, config)
  const process = new Process(allocator, workspacesOf(device).bytes)
  const { statistics } = allocator
  let outOfMemory = process.run(requests.load) ?? process.run(requests.first)
  let steps = 1
  let settledBytes = statistics.reserved_bytes.all.current
  for (; !outOfMemory && steps < MAX_STEPS; steps++) {
    const before = statistics.num_device_alloc
    outOfMemory = process.run(requests.steady)
    if (statistics.num_device_alloc === before) break
    settledBytes = statistics.reserved_bytes.all.current
  }
  return {
    outOfMemory,
    statistics: statistics.entries(),
    allocatedBytes: statistics.allocated_bytes.all.peak,
    reservedBytes: statistics.reserved_bytes.all.peak,
    settledBytes,
    steps,
  }
}

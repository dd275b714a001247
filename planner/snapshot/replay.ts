import {
  type AllocatorBlock,
  type AllocatorConfig,
  CachingAllocator,
  DEFAULT_CONFIG,
  Memory,
} from '../allocate/torch-cuda/index.ts'
import { beginningOf } from './beginning.ts'
import type { Entry, Snapshot } from './snapshot.ts'

/** A recorded run's own requests, answered by the replayed allocator. Bytes. */
export interface Replayed {
  readonly requests: number
  /** Requests that the replay gave another address than the device did. */
  readonly elsewhere: number
  readonly reservedPeak: number
}

/** Why a recording cannot be replayed block for block; null if it can. */
export function unreplayable({ traces }: Snapshot, device: number): string | null {
  const entries = traces[device] ?? []
  if (!entries.some((e) => e.action === 'alloc')) return 'no history was recorded'
  if (new Set(entries.map((e) => e.stream)).size > 1) return 'it asked on several streams'
  if (entries.some((e) => e.action === 'segment_map')) return 'its segments were expandable'
  return null
}

/**
 * Replays a recording on the allocator as the recording found it, new segments where the device put them: then every block has the
 * address that it had on the device, if the two allocators are the same. Call it where `unreplayable` is null.
 */
export function replayOnDevice(snapshot: Snapshot, device: number, config: AllocatorConfig = DEFAULT_CONFIG): Replayed {
  const entries = snapshot.traces[device] ?? []
  const memory = new RecordedMemory(entries)
  const allocator = new CachingAllocator(Number.POSITIVE_INFINITY, config, memory)
  const live = new Map<number, AllocatorBlock>()
  for (const segment of beginningOf(snapshot, device))
    for (const block of allocator.adopt(segment)) live.set(block.address, block)
  return replay(entries, allocator, live)
}

/** The same requests on an allocator of another configuration, from an empty device: what it would have reserved. */
export function replayUnder(snapshot: Snapshot, device: number, config: AllocatorConfig): Replayed {
  const allocator = new CachingAllocator(Number.MAX_SAFE_INTEGER, config)
  const live = new Map<number, AllocatorBlock>()
  for (const { blocks } of beginningOf(snapshot, device))
    for (const { address, requested } of blocks) give(allocator, live, address, requested)
  return replay(snapshot.traces[device] ?? [], allocator, live)
}

function replay(entries: readonly Entry[], allocator: CachingAllocator, live: Map<number, AllocatorBlock>): Replayed {
  let requests = 0
  let elsewhere = 0
  let before = ''
  for (const { action, address, bytes } of entries) {
    if (action === 'alloc') {
      requests++
      if (give(allocator, live, address, bytes) !== address) elsewhere++
    } else if (action === 'free_completed') {
      const block = live.get(address)
      live.delete(address)
      if (block) allocator.free(block)
    } else if (action === 'segment_free' && before !== 'segment_free') allocator.emptyCache()
    before = action
  }
  return { requests, elsewhere, reservedPeak: allocator.statistics.reserved_bytes.all.peak }
}

function give(allocator: CachingAllocator, live: Map<number, AllocatorBlock>, address: number, bytes: number): number {
  const block = allocator.alloc(bytes)
  if (!block) throw new Error('a device without end is never full')
  live.set(address, block)
  return block.address
}

/** Gives new segments the addresses that the recording gives them, in its order. */
class RecordedMemory extends Memory {
  readonly #addresses: number[]
  #given = 0

  constructor(entries: readonly Entry[]) {
    super(Number.POSITIVE_INFINITY)
    this.#addresses = entries.filter((e) => e.action === 'segment_alloc').map((e) => e.address)
  }

  /** What the recording did not ask for lies where nothing else does. */
  override reserve(bytes: number): number {
    return this.#addresses[this.#given++] ?? Number.MAX_SAFE_INTEGER - super.reserve(bytes)
  }
}

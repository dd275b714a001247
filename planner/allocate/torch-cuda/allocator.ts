import type { Stream } from '../../trace/event.ts'
import { Block } from './block.ts'
import { type AllocatorConfig, DEFAULT_CONFIG } from './config.ts'
import { growSegment, releasePages } from './expandable.ts'
import { Pool } from './pool.ts'
import { MIN_BLOCK, roundSize, SMALL, SMALL_SEGMENT, segmentSize } from './rounding.ts'
import { Memory } from './segment.ts'
import { Statistics } from './statistics.ts'

/** A segment and its blocks in use, by address. Bytes. */
export interface Adopted {
  readonly address: number
  readonly total: number
  readonly blocks: readonly { readonly address: number; readonly size: number; readonly requested: number }[]
}

/** Cached blocks of one stream. */
interface Pools {
  readonly small: Pool
  readonly large: Pool
}

/**
 * PyTorch's CUDA caching allocator (c10/cuda/CUDACachingAllocator.cpp, DeviceCachingAllocator) for one device:
 * which block each request is given, what is cached, what the device has been asked for. A block that was allocated in one stream is
 * not given to another. Sizes in bytes.
 */
export class CachingAllocator {
  readonly config: AllocatorConfig
  readonly memory: Memory
  readonly statistics = new Statistics()
  /** The computation's own stream. */
  readonly small = new Pool(true)
  readonly large = new Pool(false)
  readonly #others = new Map<Stream, Pools>()
  /** Bytes that it may have of the device; null for all there are. */
  readonly #allowed: number | null

  /** @param capacity bytes that the device has for it */
  constructor(capacity: number, config: AllocatorConfig = DEFAULT_CONFIG, memory = new Memory(capacity)) {
    this.config = config
    this.memory = memory
    this.#allowed = config.memoryFraction === null ? null : Math.floor(config.memoryFraction * capacity)
  }

  /** A block for so many bytes, more than none; null where PyTorch raises OutOfMemoryError. */
  alloc(bytes: number, stream: Stream | null = null): Block | null {
    const size = roundSize(bytes, this.config)
    const { small, large } = this.#poolsOf(stream)
    const pool = size <= SMALL ? small : large
    const found = this.#cached(pool, size) ?? this.#fresh(pool, size)
    if (found) return this.#give(found, size, bytes)
    this.statistics.num_ooms++
    return null
  }

  /** Pools of all streams. */
  get pools(): readonly Pools[] {
    return [this, ...this.#others.values()]
  }

  #poolsOf(stream: Stream | null): Pools {
    if (stream === null) return this
    const known = this.#others.get(stream) ?? { small: new Pool(true), large: new Pool(false) }
    this.#others.set(stream, known)
    return known
  }

  free(block: Block): void {
    const { statistics: s, config } = this
    const { small } = block.pool
    block.allocated = false
    s.allocation.add(small, -1)
    s.allocated_bytes.add(small, -block.size)
    s.requested_bytes.add(small, -block.requested)
    if (block.size >= config.maxSplitSize) s.oversize_allocations.add(-1)
    const before = this.merge(block, block.prev)
    const after = this.merge(block, block.next)
    block.pool.insert(block)
    const split = block.isSplit()
    if (block.segment || !(split || before > 0 || after > 0)) return
    s.inactive_split.add(small, (split ? 1 : 0) - (before > 0 ? 1 : 0) - (after > 0 ? 1 : 0))
    s.inactive_split_bytes.add(small, (split ? block.size : 0) - before - after)
  }

  /** Gives cached segments that are free as a whole back to the device (`torch.cuda.empty_cache()`). */
  emptyCache(): void {
    this.statistics.num_sync_all_streams++
    const { pools } = this
    for (const pool of [...pools.map((p) => p.large), ...pools.map((p) => p.small)]) {
      const pages: Block[] = []
      for (const block of [...pool.blocks]) {
        if (block.segment) pages.push(block)
        else if (!block.isSplit()) this.#release(block)
      }
      for (const block of pages) releasePages(this, block)
    }
  }

  /** Takes a segment over as another allocator left it, what is between its blocks as cached; gives the blocks in use, by address. */
  adopt({ address, total, blocks }: Adopted): Block[] {
    const pool = total <= SMALL_SEGMENT ? this.small : this.large
    this.statistics.segment.add(pool.small, 1)
    this.statistics.reserved_bytes.add(pool.small, total)
    const used: Block[] = []
    let last: Block | null = null
    const append = (from: number, to: number): Block => {
      const block = new Block(pool, from, to - from)
      block.splice(last, null)
      last = block
      return block
    }
    let end = address
    for (const { address: from, size, requested } of blocks) {
      if (from > end) pool.insert(append(end, from))
      end = from + size
      used.push(this.#use(append(from, end), requested))
    }
    if (end < address + total) pool.insert(append(end, address + total))
    return used
  }

  /** Joins a cached neighbour to a block; bytes that it had, 0 where it cannot be joined (try_merge_blocks). */
  merge(into: Block, from: Block | null): number {
    if (!from || from.allocated || from.mapped !== into.mapped) return 0
    if (from.mapped) from.pool.remove(from)
    else from.pool.removeUnmapped(from)
    if (into.prev === from) {
      into.address = from.address
      into.splice(from.prev, into.next)
    } else into.splice(into.prev, from.next)
    into.size += from.size
    return from.size
  }

  /** The best fit among cached blocks, taken out of its pool (get_free_block). */
  #cached(pool: Pool, size: number): Block | null {
    const { config } = this
    if (this.#collects()) pool.searches++
    let at = pool.lowerBound(size)
    if (config.expandableSegments) at = leastRoomToGrow(pool.blocks, at)
    const found = pool.blocks[at]
    if (!found) return null
    const oversize = found.size >= config.maxSplitSize
    if (size < config.maxSplitSize ? oversize : found.size >= size + config.maxNonSplitRounding) return null
    pool.blocks.splice(at, 1)
    return found
  }

  /** A block of new memory, at last after what is cached has been given back. */
  #fresh(pool: Pool, size: number): Block | null {
    if (this.#collects()) this.#collectGarbage()
    const first = this.#segment(pool, size)
    if (first) return first
    if (this.#releaseOversize(pool, size)) {
      const second = this.#segment(pool, size)
      if (second) return second
    }
    this.emptyCache()
    this.statistics.num_alloc_retries++
    return this.#segment(pool, size)
  }

  /** A new segment as one block, or the end of an expandable one (alloc_block). */
  #segment(pool: Pool, size: number): Block | null {
    const { statistics: s, memory, config } = this
    const bytes = segmentSize(size, config)
    if (this.#allowed !== null && memory.used + bytes > this.#allowed) return null
    if (config.expandableSegments) return growSegment(this, pool, size)
    const address = memory.malloc(bytes)
    if (address === null) return null
    s.segment.add(pool.small, 1)
    s.reserved_bytes.add(pool.small, bytes)
    s.num_device_alloc++
    if (bytes >= config.maxSplitSize) s.oversize_segments.add(1)
    return new Block(pool, address, bytes)
  }

  /** Splits off what is not needed and hands the block out (alloc_found_block). */
  #give(found: Block, size: number, requested: number): Block {
    const { statistics: s } = this
    const { pool } = found
    const wasSplit = found.isSplit()
    let block = found
    if (this.#splits(found, size)) {
      block = new Block(pool, found.address, size, found.segment)
      found.address += size
      found.size -= size
      block.splice(found.prev, found)
      pool.insert(found)
      if (!block.segment) {
        if (wasSplit) s.inactive_split_bytes.add(pool.small, -size)
        else {
          s.inactive_split_bytes.add(pool.small, found.size)
          s.inactive_split.add(pool.small, 1)
        }
      }
    } else if (wasSplit && !block.segment) {
      s.inactive_split_bytes.add(pool.small, -block.size)
      s.inactive_split.add(pool.small, -1)
    }
    return this.#use(block, requested)
  }

  #use(block: Block, requested: number): Block {
    const { statistics: s, config } = this
    const { small } = block.pool
    block.allocated = true
    block.requested = requested
    s.allocation.add(small, 1)
    s.allocated_bytes.add(small, block.size)
    s.requested_bytes.add(small, requested)
    if (block.size >= config.maxSplitSize) s.oversize_allocations.add(1)
    return block
  }

  #splits({ size, pool }: Block, wanted: number): boolean {
    const rest = size - wanted
    if (pool.small || this.config.expandableSegments) return rest >= MIN_BLOCK
    return wanted < this.config.maxSplitSize && rest > SMALL
  }

  #release(block: Block): void {
    const { statistics: s, memory, config } = this
    memory.give(block.size)
    s.segment.add(block.pool.small, -1)
    s.reserved_bytes.add(block.pool.small, -block.size)
    s.num_device_free++
    if (block.size >= config.maxSplitSize) s.oversize_segments.add(-1)
    block.pool.remove(block)
  }

  /** Gives back just enough blocks that are never split, the largest first (release_available_cached_blocks). */
  #releaseOversize(pool: Pool, size: number): boolean {
    const { maxSplitSize } = this.config
    if (maxSplitSize === Number.POSITIVE_INFINITY) return false
    const wanted = Math.max(size, maxSplitSize)
    const at = pool.lowerBound(wanted)
    const enough = pool.blocks[at]
    if (enough) {
      this.#release(enough)
      return true
    }
    let released = 0
    for (let block = pool.blocks[at - 1]; block && released < wanted; block = pool.blocks.at(-1)) {
      if (block.size < maxSplitSize) break
      released += block.size
      this.#release(block)
    }
    return released >= wanted
  }

  /** Only a process that may not have the whole device collects garbage. */
  #collects(): boolean {
    return this.#allowed !== null && this.config.garbageCollectionThreshold > 0
  }

  /** Gives back whole segments that have not been used for longer than the others (garbage_collect_cached_blocks). */
  #collectGarbage(): void {
    const threshold = Math.floor(this.config.garbageCollectionThreshold * (this.#allowed ?? 0))
    const target = this.memory.used - threshold
    if (target <= 0) return
    const age = (b: Block): number => b.pool.searches - b.cachedAt
    let candidates = this.pools.flatMap((p) => p.large.blocks).filter((b) => !b.isSplit())
    let reclaimed = 0
    while (reclaimed < target && candidates.length > 0) {
      const mean = candidates.reduce((n, b) => n + age(b), 0) / candidates.length
      const old = candidates.filter((b) => age(b) >= mean)
      candidates = candidates.filter((b) => age(b) < mean)
      for (const block of old) {
        reclaimed += block.size
        this.#release(block)
      }
    }
  }
}

/** Of expandable blocks the one counts as the best fit that could grow least (get_free_block). */
function leastRoomToGrow(blocks: readonly Block[], from: number): number {
  const room = (b: Block): number => b.size + (b.next && !b.next.mapped ? b.next.size : 0)
  let at = from
  while (at + 1 < blocks.length && room(blocks[at + 1]!) < room(blocks[at]!)) at++
  return at
}

import type { CachingAllocator } from './allocator.ts'
import { Block } from './block.ts'
import type { Pool } from './pool.ts'
import { SMALL_SEGMENT } from './rounding.ts'
import { addressSpace, pagesAround, pagesWithin } from './segment.ts'

/** A cached block of at least so many bytes at the lowest address where pages can be mapped; null without memory for them. */
export function growSegment(allocator: CachingAllocator, pool: Pool, size: number): Block | null {
  let block = candidate(allocator, pool, size)
  if (!block.mapped && !map(allocator, block, Math.min(block.size, size))) return null
  while (block.size < size) {
    const next = block.next
    if (!next || !map(allocator, next, Math.min(size - block.size, next.size))) return null
    block = next
  }
  pool.remove(block)
  return block
}

/** The first stretch without pages that has room with the free blocks around it; a new segment where there is none (find_expandable_block). */
function candidate({ memory, config }: CachingAllocator, pool: Pool, size: number): Block {
  for (const unmapped of pool.unmapped) {
    const first = unmapped.prev && !unmapped.prev.allocated ? unmapped.prev : unmapped
    let bytes = 0
    for (let b: Block | null = first; b && !b.allocated && bytes < size; b = b.next) bytes += b.size
    if (bytes >= size) return first
  }
  const page = pool.small ? SMALL_SEGMENT : config.largeSegmentSize
  const space = addressSpace(memory.capacity, page)
  const segment = { address: memory.reserve(space), size: space, page }
  const whole = new Block(pool, segment.address, space, segment)
  whole.mapped = false
  pool.insertUnmapped(whole)
  return whole
}

/** Maps pages for the first bytes of a stretch and caches them as a block, joined with its neighbours (map_block). */
function map(allocator: CachingAllocator, block: Block, size: number): boolean {
  const { pool, segment } = block
  if (!segment) throw new Error('only an expandable segment maps pages')
  const pages = pagesAround(segment, block.address, size)
  if (!allocator.memory.take(pages.size)) return false
  pool.removeUnmapped(block)
  block.mapped = true
  if (pages.size < block.size) {
    const rest = new Block(pool, block.address + pages.size, block.size - pages.size, segment)
    rest.mapped = false
    rest.splice(block, block.next)
    pool.insertUnmapped(rest)
    block.size = pages.size
  }
  allocator.merge(block, block.prev)
  allocator.merge(block, block.next)
  pool.insert(block)
  allocator.statistics.reserved_bytes.add(pool.small, pages.size)
  allocator.statistics.num_device_alloc++
  return true
}

/** Gives the whole pages of a cached block back (unmap_block). */
export function releasePages(allocator: CachingAllocator, block: Block): void {
  const { pool, segment } = block
  if (!segment) throw new Error('only an expandable segment unmaps pages')
  const pages = pagesWithin(segment, block.address, block.size)
  if (pages.size > 0) {
    pool.remove(block)
    const end = block.address + block.size
    const before = pages.address - block.address
    if (before > 0) {
      const kept = new Block(pool, block.address, before, segment)
      kept.splice(block.prev, block)
      pool.insert(kept)
    }
    const after = end - (pages.address + pages.size)
    if (after > 0) {
      const kept = new Block(pool, pages.address + pages.size, after, segment)
      kept.splice(block, block.next)
      pool.insert(kept)
    }
    block.address = pages.address
    block.size = pages.size
    block.mapped = false
    allocator.merge(block, block.prev)
    allocator.merge(block, block.next)
    pool.insertUnmapped(block)
    allocator.memory.give(pages.size)
    allocator.statistics.reserved_bytes.add(pool.small, -pages.size)
    allocator.statistics.num_device_free++
  }
  // A segment without a page left is given up with its addresses.
  if (!block.mapped && !block.isSplit()) pool.removeUnmapped(block)
}

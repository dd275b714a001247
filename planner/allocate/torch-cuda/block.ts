import type { Pool } from './pool.ts'
import type { ExpandableSegment } from './segment.ts'

/** A stretch of a segment, in use or cached: the neighbours in its segment are `prev` and `next`. Sizes and addresses in bytes. */
export class Block {
  readonly pool: Pool
  /** The segment that grows, if it lies in one. */
  readonly segment: ExpandableSegment | null
  address: number
  size: number
  /** What was asked for. */
  requested = 0
  allocated = false
  /** Whether pages stand behind the addresses; only an expandable segment has others. */
  mapped = true
  prev: Block | null = null
  next: Block | null = null
  /** Searches of the pool when the block was cached: its age for the garbage collector. */
  cachedAt = 0

  constructor(pool: Pool, address: number, size: number, segment: ExpandableSegment | null = null) {
    this.pool = pool
    this.address = address
    this.size = size
    this.segment = segment
  }

  isSplit(): boolean {
    return this.prev !== null || this.next !== null
  }

  /** Takes its place between two neighbours. */
  splice(before: Block | null, after: Block | null): void {
    if (before) before.next = this
    if (after) after.prev = this
    this.prev = before
    this.next = after
  }
}

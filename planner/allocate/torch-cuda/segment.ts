/** What the device gives and takes back (cudaMalloc, cuMemCreate). Addresses only grow, so the order of segments is that of their making. */
export class Memory {
  /** Bytes that the allocator may have at once. */
  readonly capacity: number
  used = 0
  #next = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Address of a new segment; null where there is no room. */
  malloc(bytes: number): number | null {
    if (!this.take(bytes)) return null
    return this.reserve(bytes)
  }

  /** Addresses without memory behind them. */
  reserve(bytes: number): number {
    const address = this.#next
    this.#next += bytes
    return address
  }

  take(bytes: number): boolean {
    if (this.used + bytes > this.capacity) return false
    this.used += bytes
    return true
  }

  give(bytes: number): void {
    this.used -= bytes
  }
}

/** A range of addresses whose pages come and go (CUDACachingAllocator.cpp, ExpandableSegment). */
export interface ExpandableSegment {
  readonly address: number
  readonly size: number
  /** Bytes of a page: 2 MiB for small requests, `largeSegmentSize` for large ones. */
  readonly page: number
}

/** An eighth more than the device has, in whole pages: room to map at the end what was unmapped before it. */
export const addressSpace = (capacity: number, page: number): number =>
  Math.ceil((capacity + Math.floor(capacity / 8)) / page) * page

/** The pages that a range needs, as a range. */
export function pagesAround({ address, page }: ExpandableSegment, from: number, size: number) {
  const begin = address + Math.floor((from - address) / page) * page
  const end = address + Math.ceil((from + size - address) / page) * page
  return { address: begin, size: end - begin }
}

/** The pages that lie wholly in a range. */
export function pagesWithin({ address, page }: ExpandableSegment, from: number, size: number) {
  const begin = address + Math.ceil((from - address) / page) * page
  const end = address + Math.floor((from + size - address) / page) * page
  return { address: begin, size: Math.max(0, end - begin) }
}

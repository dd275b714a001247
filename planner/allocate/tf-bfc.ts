import type { TraceEvent } from '../trace/event.ts'

/** tsl/framework/bfc_allocator.h, kMinAllocationSize: every chunk is a multiple of it. */
const GRAIN = 256
const BINS = 21
/** Extend: the first region where the allocator may grow. */
const FIRST_REGION = 2 * 2 ** 20
/** FindChunkPtr: more left over than this is split off, however large the request was. */
const MOST_PADDING = 128 * 2 ** 20

export interface BfcOptions {
  /** What all regions together may have. */
  readonly limitBytes: number
  /** TF_FORCE_GPU_ALLOW_GROWTH; without it the first region is all there is. */
  readonly allowGrowth?: boolean
}

/** A piece of a region: in use, or free and in the bin of its size. */
interface Chunk {
  readonly address: number
  readonly region: number
  size: number
  previous: Chunk | null
  next: Chunk | null
  free: boolean
}

const rounded = (bytes: number): number => Math.ceil(bytes / GRAIN) * GRAIN

/** BinNumForSize: the power of two of grains below a size. */
const binOf = (bytes: number): number => Math.min(BINS - 1, Math.floor(Math.log2(Math.max(bytes, GRAIN) / GRAIN)))

/**
 * TensorFlow's best-fit allocator with coalescing (tsl/framework/bfc_allocator.cc), as GPU_0_bfc uses it: the smallest free chunk that
 * holds the request in the first bin that has one, split where it is twice as large; free neighbours merge at once; regions double.
 * Of free chunks as large as each other the one with the lower address is taken; regions are taken to lie one after the other.
 */
export class BfcAllocator {
  readonly #limit: number
  readonly #bins: Chunk[][] = Array.from({ length: BINS }, () => [])
  #nextRegion: number
  #regions = 0
  /** Bytes of chunks in use. */
  allocated = 0
  /** Bytes of all regions. */
  reserved = 0

  constructor({ limitBytes, allowGrowth = true }: BfcOptions) {
    this.#limit = limitBytes
    this.#nextRegion = rounded(allowGrowth ? Math.min(limitBytes, FIRST_REGION) : limitBytes)
  }

  /** Null for nothing at all. Throws where no region can be had that holds the request. */
  allocate(bytes: number): Chunk | null {
    if (bytes === 0) return null
    const size = rounded(bytes)
    const found = this.#find(size) ?? (this.#extend(size) ? this.#find(size) : null)
    if (!found) throw new RangeError(`${bytes} bytes do not fit: ${this.reserved} of ${this.#limit} are in regions`)
    this.allocated += found.size
    return found
  }

  release(chunk: Chunk | null): void {
    if (!chunk) return
    this.allocated -= chunk.size
    this.#insert(this.#coalesced(chunk))
  }

  /** Free bytes, chunk by chunk: for whoever checks the accounts. */
  *freeChunks(): Generator<{ readonly size: number; readonly neighbours: readonly (Chunk | null)[] }> {
    for (const bin of this.#bins) for (const c of bin) yield { size: c.size, neighbours: [c.previous, c.next] }
  }

  #find(size: number): Chunk | null {
    for (let bin = binOf(size); bin < BINS; bin++) {
      const chunks = this.#bins[bin]!
      const at = chunks.findIndex((c) => c.size >= size)
      if (at < 0) continue
      const [chunk] = chunks.splice(at, 1)
      chunk!.free = false
      if (chunk!.size >= 2 * size || chunk!.size - size >= MOST_PADDING) this.#split(chunk!, size)
      return chunk!
    }
    return null
  }

  #split(chunk: Chunk, size: number): void {
    const { address, region, next } = chunk
    const rest: Chunk = { address: address + size, region, size: chunk.size - size, previous: chunk, next, free: true }
    if (next) next.previous = rest
    chunk.next = rest
    chunk.size = size
    this.#insert(rest)
  }

  #extend(size: number): boolean {
    const available = Math.floor((this.#limit - this.reserved) / GRAIN) * GRAIN
    if (size > available) return false
    const enough = size <= this.#nextRegion
    while (size > this.#nextRegion) this.#nextRegion *= 2
    const bytes = Math.min(this.#nextRegion, available)
    // one that had to grow for the request stays as it is
    if (enough) this.#nextRegion *= 2
    this.#insert({
      address: this.reserved,
      region: this.#regions++,
      size: bytes,
      previous: null,
      next: null,
      free: true,
    })
    this.reserved += bytes
    return true
  }

  /** The chunk with its free neighbours in it. */
  #coalesced(chunk: Chunk): Chunk {
    const { next, previous } = chunk
    if (next?.free) this.#merge(chunk, next)
    if (!previous?.free) return chunk
    this.#remove(previous)
    this.#join(previous, chunk)
    return previous
  }

  #merge(chunk: Chunk, next: Chunk): void {
    this.#remove(next)
    this.#join(chunk, next)
  }

  #join(chunk: Chunk, next: Chunk): void {
    chunk.size += next.size
    chunk.next = next.next
    if (next.next) next.next.previous = chunk
  }

  /** Bins are sorted by size, then by address (Bin::ChunkComparator). */
  #insert(chunk: Chunk): void {
    chunk.free = true
    const bin = this.#bins[binOf(chunk.size)]!
    let [low, high] = [0, bin.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = bin[middle]!
      if (other.size < chunk.size || (other.size === chunk.size && other.address < chunk.address)) low = middle + 1
      else high = middle
    }
    bin.splice(low, 0, chunk)
  }

  #remove(chunk: Chunk): void {
    const bin = this.#bins[binOf(chunk.size)]!
    bin.splice(bin.indexOf(chunk), 1)
  }
}

/** What a trace makes of the allocator: the most bytes in use, and in regions. Throws where it runs out. */
export function replay(
  events: Iterable<TraceEvent>,
  options: BfcOptions,
): { readonly allocated: number; readonly reserved: number } {
  const allocator = new BfcAllocator(options)
  const chunks = new Map<number, Chunk | null>()
  let allocated = 0
  for (const e of events) {
    if (e.action === 'alloc' && e.device === 'device') {
      chunks.set(e.storage, allocator.allocate(e.bytes))
      allocated = Math.max(allocated, allocator.allocated)
    } else if (e.action === 'free' && chunks.has(e.storage)) {
      allocator.release(chunks.get(e.storage)!)
      chunks.delete(e.storage)
    }
  }
  return { allocated, reserved: allocator.reserved }
}

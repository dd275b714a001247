import type { Entry, Segment, Snapshot } from './snapshot.ts'

/** A block in use when the recording began. Bytes. */
export interface EarlierBlock {
  readonly address: number
  readonly size: number
  readonly requested: number
}

/** A segment that was there when the recording began; what is between its blocks was cached. */
export interface EarlierSegment {
  readonly address: number
  readonly total: number
  readonly blocks: readonly EarlierBlock[]
}

const BLOCK = 512

/**
 * What the allocator held before a device's first entry, worked out from the entries and from the state at their end: a segment that is
 * there at the end, or is given back, without having been made; a block that lives at the end, or is released, without having been given.
 *
 * Where a block was larger than its request rounded to 512 bytes, since too little would have been left of it, the rest counts as cached:
 * no request that the block was not given for fits into it.
 */
export function beginningOf({ segments, traces }: Snapshot, device: number): EarlierSegment[] {
  const entries = traces[device] ?? []
  const found = earlierSegments(
    segments.filter((s) => s.device === device),
    entries,
  )
  const sorted = [...found.values()].sort((a, b) => a.address - b.address)
  for (const block of earlierBlocks(segments, entries)) segmentAt(sorted, block.address)?.blocks.push(block)
  for (const { blocks } of sorted) blocks.sort((a, b) => a.address - b.address)
  return sorted
}

interface Growing extends EarlierSegment {
  readonly blocks: EarlierBlock[]
}

function earlierSegments(atEnd: readonly Segment[], entries: readonly Entry[]): Map<number, Growing> {
  const found = new Map<number, Growing>()
  const made = new Set<number>()
  const add = (address: number, total: number): void => {
    found.set(address, { address, total, blocks: [] })
  }
  for (const { action, address, bytes } of entries) {
    if (action === 'segment_alloc') made.add(address)
    if (action === 'segment_free' && !made.delete(address)) add(address, bytes)
  }
  for (const { address, total } of atEnd) if (!made.has(address)) add(address, total)
  return found
}

function* earlierBlocks(segments: readonly Segment[], entries: readonly Entry[]): Generator<EarlierBlock> {
  const given = new Set<number>()
  for (const { action, address, bytes } of entries) {
    if (action === 'alloc') given.add(address)
    if (action === 'free_completed' && !given.delete(address))
      yield { address, size: Math.max(BLOCK, Math.ceil(bytes / BLOCK) * BLOCK), requested: bytes }
  }
  for (const { blocks } of segments)
    for (const { address, size, requested, state } of blocks)
      if (state !== 'inactive' && !given.has(address)) yield { address, size, requested }
}

function segmentAt(sorted: readonly Growing[], address: number): Growing | undefined {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sorted[middle]!.address <= address) from = middle + 1
    else to = middle
  }
  const segment = sorted[from - 1]
  return segment && address < segment.address + segment.total ? segment : undefined
}

import type { AllocatorConfig } from './config.ts'

/** All sizes are multiples of it (kMinBlockSize). */
export const MIN_BLOCK = 512
/** The largest request that is a small one (kSmallSize). */
export const SMALL = 2 ** 20
/** Small requests share segments of this size (kSmallBuffer). */
export const SMALL_SEGMENT = 2 * 2 ** 20
/** Requests from here on get a segment of their own (kMinLargeAlloc), in multiples of `LARGE_ROUNDING` (kRoundLarge). */
export const OWN_SEGMENT = 10 * 2 ** 20
export const LARGE_ROUNDING = 2 * 2 ** 20

const FIRST_INTERVAL = 2 ** 20

const upTo = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit

/** Bytes of the block that a request is given (CUDACachingAllocator.cpp, round_size). */
export function roundSize(bytes: number, { roundupDivisions }: AllocatorConfig): number {
  if (bytes < MIN_BLOCK) return MIN_BLOCK
  if (roundupDivisions.length === 0) return upTo(bytes, MIN_BLOCK)
  // The power of two below, counted from the first interval's; below that -1.
  const interval = 31 - Math.clz32(bytes / FIRST_INTERVAL)
  const divisions = roundupDivisions[Math.min(Math.max(interval, 0), roundupDivisions.length - 1)] ?? 0
  if (divisions > 1 && bytes > MIN_BLOCK * divisions) return nextDivision(bytes, divisions)
  return upTo(bytes, MIN_BLOCK)
}

/** Up to the next of `divisions` equal steps between two powers of two (roundup_power2_next_division). */
function nextDivision(bytes: number, divisions: number): number {
  const floor = 2 ** Math.floor(Math.log2(bytes))
  return bytes === floor ? bytes : upTo(bytes, floor / divisions)
}

/** Bytes of the segment that is made for a block where no cached one fits (get_allocation_size). */
export function segmentSize(block: number, { largeSegmentSize }: AllocatorConfig): number {
  if (block <= SMALL) return SMALL_SEGMENT
  if (block < OWN_SEGMENT) return largeSegmentSize
  return upTo(block, LARGE_ROUNDING)
}

const MIB = 2 ** 20

/** What `PYTORCH_CUDA_ALLOC_CONF` sets, as far as it decides where blocks lie. Sizes in bytes. */
export interface AllocatorConfig {
  /** Blocks from this size on are neither split nor given to smaller requests; Infinity lets all be split. */
  readonly maxSplitSize: number
  /** Bytes that a block which is not split may be larger than a request of at least `maxSplitSize`. */
  readonly maxNonSplitRounding: number
  /** Requests are rounded up to one of so many steps between two powers of two; by power from 1 MiB to 64 GiB, 0 for none; empty for none at all. */
  readonly roundupDivisions: readonly number[]
  /** Share of the allowed memory above which cached blocks are given back; 0 for never. */
  readonly garbageCollectionThreshold: number
  /** One segment a pool that grows by pages in place of a segment for each large request. */
  readonly expandableSegments: boolean
  /** Requests between 1 and 10 MiB share segments of this size. */
  readonly largeSegmentSize: number
  /** Share of the device that the process may take; null sets no limit of its own. */
  readonly memoryFraction: number | null
}

/** Powers of two that may be divided, each with its own number of steps (kRoundUpPowerOfTwoIntervals). */
export const DIVISION_INTERVALS = 16

/** c10/core/AllocatorConfig.h of torch 2.13. */
export const DEFAULT_CONFIG: AllocatorConfig = {
  maxSplitSize: Number.POSITIVE_INFINITY,
  maxNonSplitRounding: 20 * MIB,
  roundupDivisions: [],
  garbageCollectionThreshold: 0,
  expandableSegments: false,
  largeSegmentSize: 20 * MIB,
  memoryFraction: null,
}

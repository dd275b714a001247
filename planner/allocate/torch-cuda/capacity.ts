import type { Device } from '../../devices/index.ts'
import type { AllocatorConfig } from './config.ts'
import type { Requests } from './requests.ts'
import { type Training, train } from './training.ts'

/** The device gives memory in pages of so many bytes. */
const PAGE = 2 * 2 ** 20
/** Capacities above the one that was found that are tried as well. */
const CHECKS = 4

export interface Capacity {
  /** The smallest memory, in whole pages, with which every step succeeded. */
  readonly bytes: number
  /** Capacities that were tried. */
  readonly tried: number
}

/**
 * The smallest memory with which a process can train, cached blocks given back and asked for again included. `free` is the run with
 * no limit: what it reserved is enough for certain, since nothing then differs, and less than its requests never is.
 *
 * More memory is not bound to be better, since blocks then lie elsewhere. So larger capacities are tried too, and where one fails
 * the search goes on above it.
 */
export function smallestCapacity(
  requests: Requests,
  free: Training,
  config: AllocatorConfig,
  device: Device | null,
): Capacity {
  let tried = 0
  const succeeds = (pages: number): boolean => {
    tried++
    return train(requests, pages * PAGE, config, device).outOfMemory === null
  }
  const most = Math.ceil(free.reservedBytes / PAGE)
  const search = (low: number): number => {
    let [fails, works] = [low, most]
    while (works - fails > 1) {
      const middle = Math.floor((fails + works) / 2)
      if (succeeds(middle)) works = middle
      else fails = middle
    }
    for (let i = 1; i <= CHECKS; i++) {
      const above = works + Math.floor(((most - works) * i) / (CHECKS + 1))
      if (above > works && above < most && !succeeds(above)) return search(above)
    }
    return works
  }
  const least = Math.floor((free.statistics['requested_bytes.all.peak'] ?? 0) / PAGE)
  return { bytes: search(Math.min(least, most - 1)) * PAGE, tried }
}

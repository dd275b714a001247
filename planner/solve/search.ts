import { allocatorRoom, fitsOnDevice } from '../predict/index.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Candidate, Candidates } from './candidate.ts'
import { LEVER } from './lever.ts'
import type { Place } from './maximize.ts'
import { LEVERS, type LeverName } from './names.ts'
import { Frontier } from './pareto.ts'

/** What one lever does on the way from the setting that was asked for. */
export interface Step {
  readonly lever: LeverName
  readonly from: string
  readonly to: string
  /** Bytes of the allocator's blocks at the peak that it adds; negative where it saves. */
  readonly bytes: number
  /** Time after it by time before it. */
  readonly time: number
}

/** A setting that fits. */
export interface Option extends Candidate {
  readonly steps: readonly Step[]
  /** Time by that of the setting that was asked for. */
  readonly relativeTime: number
}

export interface Search {
  /** The setting that was asked for. */
  readonly asked: Candidate
  readonly fits: boolean
  /** Settings that were looked at, and those whose blocks alone leave room. */
  readonly searched: number
  readonly possible: number
  /** Settings that fit and that no other one beats in memory, time and trainable parameters: fewest changes first. */
  readonly options: readonly Option[]
}

export interface SearchOptions {
  /** Levers that stay as they are; `all` looks at the setting itself only. */
  readonly fixed: ReadonlySet<LeverName> | 'all'
  /** Options to return at most. */
  readonly top: number
  /** A lever is tried on one more of the settings before it. */
  readonly onProgress?: (lever: LeverName, done: number, of: number) => void
}

/**
 * Goes through every combination of levers and keeps the settings whose steps succeed on the device and which no other one beats.
 * Bytes are simulated; time is a formula over counted work and the device's peak rates.
 *
 * @throws Refusal where the setting that was asked for is not modelled
 */
export function search(place: Place, asked: TrainSpec, { fixed, top, onProgress }: SearchOptions): Search {
  const candidates = new Candidates(place)
  const start = candidates.of(asked)
  let found = [start]
  for (const lever of fixed === 'all' ? [] : LEVERS.filter((name) => !fixed.has(name))) {
    const [settings, before] = [found, found.length]
    found = settings.flatMap((candidate, i) => {
      onProgress?.(lever, i + 1, before)
      const others = LEVER[lever].others(candidate.train)
      return [candidate, ...others.flatMap((options) => candidates.after(candidate, lever, options) ?? [])]
    })
  }
  const room = allocatorRoom(place.gpu)
  const possible = found.filter(({ peak }) => peak.blocks <= room)
  const frontier = new Frontier(possible, ({ train }) =>
    fitsOnDevice(place.model, train, place.stack, place.gpu, place.config),
  )
  return {
    asked: start,
    fits: frontier.fits(start),
    searched: found.length,
    possible: possible.length,
    options: first(ranked(possible), top, (c) => frontier.has(c)).map((c) => ({
      ...c,
      steps: stepsTo(c),
      relativeTime: c.seconds / start.seconds,
    })),
  }
}

/** The first `count` that hold; what comes after them is not asked. */
function first<T>(all: readonly T[], count: number, holds: (one: T) => boolean): T[] {
  const found: T[] = []
  for (const one of all) {
    if (found.length === count) break
    if (holds(one)) found.push(one)
  }
  return found
}

/** Fewest changes first, then the least time, then the most that trains. */
const ranked = (options: readonly Candidate[]): Candidate[] =>
  [...options].sort(
    (a, b) => a.changes - b.changes || a.seconds - b.seconds || b.parameters.trainable - a.parameters.trainable,
  )

/** One lever after another, each with what it does where the ones before it are pulled. */
function stepsTo({ change, train, peak, seconds }: Candidate): Step[] {
  if (change === null) return []
  const { lever, before } = change
  const { said } = LEVER[lever]
  const step = {
    lever,
    from: said(before.train),
    to: said(train),
    bytes: peak.blocks - before.peak.blocks,
    time: seconds / before.seconds,
  }
  return [...stepsTo(before), step]
}

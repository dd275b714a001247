import type { Phase, TraceEvent } from '../trace/event.ts'
import { stepOf } from '../trace/reading.ts'
import { type Depths, fromDepths, type Runs } from './depths.ts'
import { type Facts, peakPhase, readTables, stepFacts, type Tables } from './facts.ts'
import { line, lines } from './growth.ts'
import { type High, highestBytes, type Levels, levelsOf } from './levels.ts'
import { eachInstant, type Stretch } from './repetition.ts'
import type { Stack } from './stack.ts'
import { foldTimeline } from './timeline.ts'

/**
 * The facts of a model with many layers from simulations of a few and of some more: where the longer trace is the shorter one with blocks
 * inserted, every instant of the whole grows by the same bytes a block. A block is a layer, or where kinds of layers that take
 * turns differ in their events a turn of all kinds. Null where that does not hold, or would not pay.
 */
export const foldLayers = (runs: Runs): Facts | null => fromDepths(runs, (depths) => foldDepths(depths, runs.stack))

function foldDepths(depths: Depths, stack: Stack): Facts | null {
  const whole = aligned(depths)
  if (!whole) return null
  const { short, long, more } = depths
  const [a, b] = [stepOf(short.events, 'steady'), stepOf(long.events, 'steady')]
  const high = highestFolded(whole, levelsOf(a), levelsOf(b))
  const steady = stepFacts(high)
  const phase = peakPhase(steady)
  const low = readTables(short.network, a, phase, high[phase].at)
  const next = readTables(long.network, b, phase, high[phase].atLong)
  const timeline = foldTimeline(low.timeline, next.timeline, whole.stretches, more)
  if (!timeline) return null
  const { block } = stack.allocator
  return {
    ...extendTables(low, next, more),
    timeline,
    first: stepFacts(
      highestFolded(whole, levelsOf(stepOf(short.events, 'first')), levelsOf(stepOf(long.events, 'first'))),
    ),
    steady,
    phase,
    blocks: highestBytes(highestFolded(whole, levelsOf(a, block), levelsOf(b, block))),
  }
}

/** All events at two depths, and how they go together. */
export interface Aligned {
  readonly short: readonly TraceEvent[]
  readonly long: readonly TraceEvent[]
  readonly stretches: readonly Stretch[]
  readonly more: number
}

/** Null where the longer trace does not repeat the shorter. */
export const aligned = ({ short, long, stretches, more }: Depths): Aligned | null =>
  stretches && { short: short.events, long: long.events, stretches, more }

/** The highest instant of a phase, and what it comes after in the longer trace. */
interface FoldedHigh extends High {
  atLong: TraceEvent | null
}

/** The highest of all instants in each phase of a step, each extended by its own growth; the first of equals. */
export function highestFolded(
  { short, long, stretches, more }: Aligned,
  a: Levels,
  b: Levels,
): Record<Phase, FoldedHigh> {
  const of = (p: Phase): FoldedHigh => ({
    bytes: line(a.edges[p].start, b.edges[p].start, more),
    at: null,
    atLong: null,
    end: line(a.edges[p].end, b.edges[p].end, more),
  })
  const result = { forward: of('forward'), backward: of('backward'), optimizer: of('optimizer') }
  eachInstant(stretches, (i, j) => {
    const bytes = line(a.after[i]!, b.after[j]!, more)
    const e = short[i]!
    if (e.phase === 'static') return
    const high = result[e.phase]
    // Nothing is above a level that is not a number: the step has no such instant.
    if (bytes > high.bytes) [high.bytes, high.at, high.atLong] = [bytes, e, long[j]!]
  })
  return result
}

/** Rows of one kind: `grow` extends a row by what one layer more brings, from what it is without that layer. */
function rows<R extends object>(
  short: ReadonlyMap<string, R>,
  long: ReadonlyMap<string, R>,
  grow: (before: R | undefined, row: R) => R,
): Map<string, R> {
  const result = new Map<string, R>()
  for (const [key, row] of long) result.set(key, grow(short.get(key), row))
  return result
}

function extendTables(short: Tables, long: Tables, more: number): Omit<Tables, 'timeline'> {
  const of = (a: number | undefined, b: number) => line(a ?? 0, b, more)
  return {
    counts: {
      total: of(short.counts.total, long.counts.total),
      trainable: of(short.counts.trainable, long.counts.trainable),
      trainable_tensors: of(short.counts.trainable_tensors, long.counts.trainable_tensors),
    },
    fixed: lines(short.fixed, long.fixed, more),
    savedBytes: of(short.savedBytes, long.savedBytes),
    saved: rows(short.saved, long.saved, (a, b) => ({ ...b, count: of(a?.count, b.count) })),
    gradients: of(short.gradients, long.gradients),
    parts: lines(short.parts, long.parts, more),
    alive: rows(short.alive, long.alive, (a, b) => ({
      ...b,
      bytes: of(a?.bytes, b.bytes),
      count: of(a?.count, b.count),
    })),
    law: rows(short.law, long.law, (a, b) => ({
      ...b,
      bytes: of(a?.bytes, b.bytes),
      units: of(a?.units, b.units),
      perToken: of(a?.perToken, b.perToken),
    })),
  }
}

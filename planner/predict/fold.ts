import type { FreeformSpec, ModelSpec, T5Spec } from '../../models/spec.ts'
import { CATEGORIES, PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { firstStep, steadyStep } from '../trace/reading.ts'
import { foldScope } from '../trace/scope.ts'
import type { TrainSpec } from '../training/spec.ts'
import {
  type ByCategory,
  type Facts,
  type PhaseFacts,
  peakPhase,
  readTables,
  type Tables,
  type TimelinePoint,
} from './facts.ts'
import { simulate } from './simulate.ts'
import type { Stack } from './stack.ts'
import { endOf, type Level, type Stream, type Streams, streamsOf } from './stream.ts'

/** Equal layers of the two small simulations: a first, a middle and a last one, and one middle one more. */
const FEW = 3

type Layered = Exclude<ModelSpec, T5Spec | FreeformSpec>

/** A number of layers to count by. T5's stacks share biases between theirs; the blocks of a description are a person's own. */
const hasEqualLayers = (model: ModelSpec): model is Layered => model.family !== 't5' && model.family !== 'freeform'

/** Layers after which their kinds repeat. */
const periodOf = (model: Layered): number => ('kinds' in model ? model.kinds.length : 1)

/** Layers in which each kind comes, and that are equal as far as they can be. */
const fewOf = (model: Layered): number => periodOf(model) - 1 + FEW

/** Where a stretch of a phase with few layers takes in more of them. Indices are the phase's. */
interface Seam {
  /** The stretch in the shorter and in the longer stream. */
  readonly three: readonly [from: number, to: number]
  readonly four: readonly [from: number, to: number]
  /** Where the repeated block begins, in the shorter stream. */
  readonly at: number
  /** Allocations and releases of one block. */
  readonly block: number
}

/**
 * The facts of a model with many layers from simulations of a few and of some more: if each phase of the longer one is that of the
 * shorter with one block inserted, and the block repeats its neighbour, then every instant of the whole grows by the same bytes
 * a block. A block is a layer, or where kinds of layers that take turns differ in their events a turn of all kinds. Null where
 * that does not hold, or would not pay.
 */
export function foldLayers(model: ModelSpec, train: TrainSpec, stack: Stack): Facts | null {
  if (!hasEqualLayers(model)) return null
  const period = periodOf(model)
  const layer = foldFrom(model, train, stack, fewOf(model), 1)
  if (layer || period === 1) return layer
  return foldFrom(model, train, stack, FEW * period + (model.layers % period), period)
}

/** From `few` layers and `step` more. */
function foldFrom(
  model: Layered,
  train: TrainSpec,
  { dialect, library, allocator }: Stack,
  few: number,
  step: number,
): Facts | null {
  if (model.layers <= 2 * few + step) return null
  const small = (n: number) => {
    const { network, events } = simulate({ ...model, layers: n }, train, dialect, { library })
    const trace = steadyStep(events)
    return { network, trace, steady: streamsOf(trace, allocator.block), first: streamsOf(firstStep(events)) }
  }
  const [three, four] = [small(few), small(few + step)]
  const more = (model.layers - few) / step

  const steady = extendAll(three.steady, four.steady, more)
  const first = extendAll(three.first, four.first, more)
  if (!steady || !first) return null
  const blocks = Math.max(
    ...PHASES.map((p) => highestAt(three.steady[p].blocks, four.steady[p].blocks, steady.seams[p], more).bytes),
  )
  const phase = peakPhase(steady.facts)
  const peak = steady.peaks[phase]
  const tables3 = readTables(three.network, three.trace, phase, peak?.[0] ?? null)
  const tables4 = readTables(four.network, four.trace, phase, peak?.[1] ?? null)
  const timeline = foldTimeline(tables3, tables4, steady.seams, more)
  if (!timeline) return null
  const facts = { first: first.facts, steady: steady.facts, phase, blocks }
  return { ...extendTables(tables3, tables4, more), timeline, ...facts }
}

type Pair = readonly [three: TraceEvent, four: TraceEvent]

function extendAll(three: Streams, four: Streams, more: number) {
  const facts: Partial<Record<Phase, PhaseFacts>> = {}
  const seams: Partial<Record<Phase, readonly Seam[]>> = {}
  const peaks: Partial<Record<Phase, Pair>> = {}
  for (const p of PHASES) {
    const found = seamsOf(three[p], four[p], p)
    if (!found) return null
    const extended = extendPhase(three[p], four[p], found, more)
    facts[p] = extended.facts
    seams[p] = found
    if (extended.peak) peaks[p] = extended.peak
  }
  return { facts: facts as Record<Phase, PhaseFacts>, seams: seams as Record<Phase, readonly Seam[]>, peaks }
}

/** An optimizer goes over all layers several times, an operation after the other; forward and backward once a micro-step. */
function seamsOf(three: Stream, four: Stream, phase: Phase): Seam[] | null {
  const [a, b] = [three, four].map((s) => (phase === 'optimizer' ? runsOf(s.events) : visitsOf(s)))
  if (a!.length !== b!.length) return null
  const seams = a!.map((range, i) => seamOf(three.events, range, four.events, b![i]!))
  return seams.every((s) => s !== null) ? seams : null
}

const visitsOf = ({ events, visits }: Stream): (readonly [number, number])[] =>
  visits.length === 0 ? [[0, 0]] : visits.map((from, i) => [from, visits[i + 1] ?? events.length] as const)

function runsOf(events: readonly TraceEvent[]): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = []
  let from = 0
  for (let i = 1; i <= events.length; i++) {
    if (i < events.length && events[i]!.op === events[from]!.op) continue
    runs.push([from, i])
    from = i
  }
  return events.length === 0 ? [[0, 0]] : runs
}

const same = (a: TraceEvent, b: TraceEvent): boolean => a.action === b.action && a.bytes === b.bytes && a.op === b.op

/**
 * Finds the inserted block. Common beginning and common end must overlap by a block at least: then the longer stream repeats
 * with that period there, and further layers can only insert it again. Null where they do not.
 */
function seamOf(
  three: readonly TraceEvent[],
  [from3, to3]: readonly [number, number],
  four: readonly TraceEvent[],
  [from4, to4]: readonly [number, number],
): Seam | null {
  const n = to3 - from3
  const block = to4 - from4 - n
  let head = 0
  while (head < n && same(three[from3 + head]!, four[from4 + head]!)) head++
  let tail = 0
  while (tail < n && same(three[to3 - 1 - tail]!, four[to4 - 1 - tail]!)) tail++
  if (head + tail < n + block) return null
  // Anywhere between the two ends will do; in the middle an instant's neighbours repeat as well.
  const at = Math.floor((to3 - tail + from3 + Math.max(0, head - block)) / 2)
  return { three: [from3, to3], four: [from4, to4], at, block }
}

/** The phase's figures with `more` blocks more. */
function extendPhase(three: Stream, four: Stream, seams: readonly Seam[], more: number) {
  const { bytes, at } = highestAt(three, four, seams, more)
  const peak: Pair | null = at && [three.events[at[0]]!, four.events[at[1]]!]
  const facts: PhaseFacts = {
    peak: bytes,
    end: line(endOf(three), endOf(four), more),
    scope: foldScope(peak?.[0].scope ?? ''),
    op: peak?.[0].op ?? 'start',
  }
  return { facts, peak }
}

/** The highest of all instants, each extended by its own growth; `at` is null where that is the start. */
function highestAt(three: Level, four: Level, seams: readonly Seam[], more: number) {
  let bytes = line(three.start, four.start, more)
  let [i, j] = [-1, -1]
  eachInstant(seams, (a, b) => {
    const v = line(three.live[a]!, four.live[b]!, more)
    if (v > bytes) [bytes, i, j] = [v, a, b]
  })
  return { bytes, at: i < 0 ? null : ([i, j] as const) }
}

/** Instants of the shorter stream with theirs in the longer one; together they stand for every instant of any depth. */
function eachInstant(seams: readonly Seam[], visit: (three: number, four: number) => void): void {
  for (const { three, four, at, block } of seams) {
    const [[from3, to3], [from4, to4]] = [three, four]
    // Up to the seam and one block on instants keep their place from the front, from the seam on theirs from the end.
    for (let i = from3; i < Math.min(to3, at + block); i++) visit(i, from4 + i - from3)
    for (let i = at; i < to3; i++) visit(i, to4 - (to3 - i))
  }
}

/** The steady step of a model at two depths, one layer apart: `few` layers, and one more. */
export interface Depths {
  readonly few: number
  readonly three: readonly TraceEvent[]
  readonly four: readonly TraceEvent[]
}

/** The whole steady step. */
export const unfolded = (model: ModelSpec, train: TrainSpec, { dialect, library }: Stack): TraceEvent[] =>
  steadyStep(simulate(model, train, dialect, { library }).events)

/** The model at the two depths that any other follows from; null for one without equal layers, or with fewer. */
export function shallow(model: ModelSpec, train: TrainSpec, stack: Stack): Depths | null {
  if (!hasEqualLayers(model) || model.layers < FEW) return null
  const few = fewOf(model)
  const at = (layers: number) => unfolded({ ...model, layers }, train, stack)
  return { few, three: at(few), four: at(few + 1) }
}

/** Indices of the same instant at two depths, by phase; null where the longer does not repeat the shorter. */
export function alignedInstants(
  three: readonly TraceEvent[],
  four: readonly TraceEvent[],
): { phase: Phase; three: number; four: number }[] | null {
  const [a, b] = [streamsOf(three), streamsOf(four)]
  const result: { phase: Phase; three: number; four: number }[] = []
  for (const phase of PHASES) {
    const seams = seamsOf(a[phase], b[phase], phase)
    if (!seams) return null
    eachInstant(seams, (three, four) => result.push({ phase, three, four }))
  }
  return result
}

const line = (three: number, four: number, more: number): number => three + more * (four - three)

function lines(three: ByCategory, four: ByCategory, more: number): ByCategory {
  const result: ByCategory = {}
  for (const c of CATEGORIES) {
    const v = line(three[c] ?? 0, four[c] ?? 0, more)
    if (v > 0) result[c] = v
  }
  return result
}

/** Adds up rows of one kind: what one layer more brings, so many times. */
function rows<R extends object>(
  three: ReadonlyMap<string, R>,
  four: ReadonlyMap<string, R>,
  keys: readonly (keyof R & ('bytes' | 'count' | 'units' | 'perToken'))[],
  more: number,
): Map<string, R> {
  const result = new Map<string, R>()
  for (const [key, row] of four) {
    const before = three.get(key)
    const extended = { ...row }
    // Only numeric fields are named in `keys`.
    for (const k of keys) Object.assign(extended, { [k]: line(Number(before?.[k] ?? 0), Number(row[k]), more) })
    result.set(key, extended)
  }
  return result
}

function extendTables(three: Tables, four: Tables, more: number): Omit<Tables, 'timeline'> {
  const of = (a: number, b: number) => line(a, b, more)
  return {
    counts: {
      total: of(three.counts.total, four.counts.total),
      trainable: of(three.counts.trainable, four.counts.trainable),
      trainable_tensors: of(three.counts.trainable_tensors, four.counts.trainable_tensors),
    },
    fixed: lines(three.fixed, four.fixed, more),
    savedBytes: of(three.savedBytes, four.savedBytes),
    saved: rows(three.saved, four.saved, ['count'], more),
    gradients: of(three.gradients, four.gradients),
    parts: lines(three.parts, four.parts, more),
    alive: rows(three.alive, four.alive, ['bytes', 'count'], more),
    law: rows(three.law, four.law, ['bytes', 'units', 'perToken'], more),
  }
}

/** The timeline with the blocks' points repeated, each copy by its own bytes further. Null where the points do not repeat. */
function foldTimeline(
  three: Tables,
  four: Tables,
  seams: Record<Phase, readonly Seam[]>,
  more: number,
): TimelinePoint[] | null {
  const result: TimelinePoint[] = []
  for (const phase of PHASES) {
    let before = 0
    for (const seam of seams[phase]) {
      const last = seam === seams[phase].at(-1)
      const p3 = pointsIn(three, phase, seam.three, last)
      const p4 = pointsIn(four, phase, seam.four, last)
      const points = foldStretch(p3, p4, seam, more)
      if (!points) return null
      result.push(...points)
      before += points.length
    }
    if (before === 0 && three.timeline.some((p) => p.phase === phase)) return null
  }
  return result.sort((a, b) => a.seq - b.seq)
}

const pointsIn = (t: Tables, phase: Phase, [from, to]: readonly [number, number], last: boolean): TimelinePoint[] =>
  t.timeline.filter((p) => p.phase === phase && p.index >= from && (last || p.index < to))

function foldStretch(
  p3: readonly TimelinePoint[],
  p4: readonly TimelinePoint[],
  { at, block }: Seam,
  more: number,
): TimelinePoint[] | null {
  const extend = (a: TimelinePoint, b: TimelinePoint): TimelinePoint => ({
    ...a,
    seq: line(a.seq, b.seq, more),
    index: line(a.index, b.index, more),
    parts: lines(a.parts, b.parts, more),
  })
  const front = p3.filter((p) => p.index < at).length
  const inner = p4.length - p3.length
  if (inner < 0) return null
  const result = p3.slice(0, front).map((p, i) => extend(p, p4[i]!))
  if (inner > 0) {
    // The block's first point has its twin one block on in the longer trace: their difference is what a block adds.
    const [base, a, b] = [p3[front], p4[front], p4[front + inner]]
    if (!base || !a || !b) return null
    const growth = growthOf(base, a)
    const [step, seqStep] = [difference(b.parts, a.parts), b.seq - a.seq]
    const first = p4.slice(front, front + inner).map((p) => ({
      seq: p.seq + (more - 1) * growth.seq,
      index: p.index + (more - 1) * (a.index - base.index),
      phase: p.phase,
      parts: lines(p.parts, sumOf(p.parts, growth.parts), more - 1),
    }))
    const moving = CATEGORIES.filter((c) => step[c])
    for (let m = 0; m < more; m++) {
      for (const p of first) {
        const parts = { ...p.parts }
        for (const c of moving) {
          const v = (parts[c] ?? 0) + m * step[c]!
          if (v > 0) parts[c] = v
          else delete parts[c]
        }
        result.push({ seq: p.seq + m * seqStep, index: p.index + m * block, phase: p.phase, parts })
      }
    }
  }
  for (let i = front; i < p3.length; i++) result.push(extend(p3[i]!, p4[i + inner]!))
  return result
}

/** What one layer more adds at an instant that keeps its place from the front. */
const growthOf = (three: TimelinePoint, four: TimelinePoint): { seq: number; parts: ByCategory } => ({
  seq: four.seq - three.seq,
  parts: difference(four.parts, three.parts),
})

function difference(a: ByCategory, b: ByCategory): ByCategory {
  const result: ByCategory = {}
  for (const c of CATEGORIES) if (a[c] !== b[c]) result[c] = (a[c] ?? 0) - (b[c] ?? 0)
  return result
}

function sumOf(a: ByCategory, b: ByCategory): ByCategory {
  const result: ByCategory = { ...a }
  for (const c of CATEGORIES) if (b[c]) result[c] = (a[c] ?? 0) + b[c]
  return result
}

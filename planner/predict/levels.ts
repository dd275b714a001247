import { isFlat } from '../trace/axes.ts'
import { type Alloc, type EventPhase, PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { isAfterStep, type Step } from '../trace/reading.ts'

/** Live bytes at a phase's edges. */
export interface Edges {
  /** Before its first event. */
  readonly start: number
  /** After its last one that counts. */
  end: number
}

/** Live bytes over a step: after its instants, and at the edges of its phases. What goes after the step is left out. */
export interface Levels {
  /** After each instant, by the event's `seq`; NaN for what is no instant of the step. */
  readonly after: Float64Array
  readonly edges: Readonly<Record<Phase, Edges>>
}

/**
 * Bytes of what lives on the device. `sizeOf` is what a storage of so many bytes counts as, an allocator's block for instance; parameters
 * side by side count as they are, since their bytes grow with the layers and a block's would not grow evenly.
 */
export function levelsOf({ fixed, events, end }: Step, sizeOf: (bytes: number) => number = asTheyAre): Levels {
  const after = new Float64Array(end).fill(Number.NaN)
  const edges: Partial<Record<Phase, Edges>> = {}
  const flat = new Set<number>()
  const changeOf = (e: TraceEvent): number => {
    if (e.action === 'alloc' && isFlat(e.axes)) flat.add(e.storage)
    const size = flat.has(e.storage) ? e.bytes : sizeOf(e.bytes)
    return e.action === 'alloc' ? size : -size
  }
  let bytes = 0
  for (const e of fixed) if (changesLevel(e)) bytes += changeOf(e)
  let phase: EventPhase = 'static'
  let edge: Edges = { start: bytes, end: bytes }
  for (const e of events) {
    if (!changesLevel(e) || isAfterStep(e)) continue
    if (e.phase !== phase) {
      phase = e.phase
      // Of several micro-steps the first begins the phase and the last ends it.
      if (phase !== 'static') edge = edges[phase] ??= { start: bytes, end: bytes }
    }
    bytes += changeOf(e)
    edge.end = bytes
    if (e.action === 'alloc') after[e.seq] = bytes
  }
  // A phase without events of its own lies at the end.
  for (const p of PHASES) edges[p] ??= { start: bytes, end: bytes }
  return { after, edges: edges as Record<Phase, Edges> }
}

const asTheyAre = (bytes: number): number => bytes

/** True where bytes come to the device or go. Host memory is never released within a step, and left out. */
const changesLevel = (e: TraceEvent): boolean => (e.action === 'alloc' ? e.device === 'device' : e.action === 'free')

/** The highest instant of a phase. */
export interface High {
  bytes: number
  /** The allocation it comes after; null where it is the phase's start. */
  at: TraceEvent | null
  /** Bytes at the phase's end. */
  readonly end: number
}

/** The highest instant of each phase; the first of equals. */
export function highest(step: Step, sizeOf?: (bytes: number) => number): Record<Phase, High> {
  const { after, edges } = levelsOf(step, sizeOf)
  const of = ({ start, end }: Edges): High => ({ bytes: start, at: null, end })
  const result = { forward: of(edges.forward), backward: of(edges.backward), optimizer: of(edges.optimizer) }
  for (const e of step.events) {
    if (!isInstant(e)) continue
    const high = result[e.phase]
    const bytes = after[e.seq]!
    if (bytes > high.bytes) [high.bytes, high.at] = [bytes, e]
  }
  return result
}

/** Bytes at the highest instant of all. */
export const highestBytes = (high: Readonly<Record<Phase, High>>): number =>
  Math.max(...PHASES.map((p) => high[p].bytes))

/** True for an instant of a phase: its level may be the phase's highest. */
export const isInstant = (e: TraceEvent): e is Alloc & { readonly phase: Phase } =>
  e.action === 'alloc' && e.phase !== 'static' && e.device === 'device'

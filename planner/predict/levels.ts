import { type Alloc, PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { isAfterStep } from '../trace/reading.ts'
import { flatStorages } from '../trace/tables.ts'

/** Live bytes at a phase's edges. */
export interface Edges {
  /** Before its first event. */
  readonly start: number
  /** After its last one that counts. */
  end: number
}

/** Live bytes over a step: after its instants, and at the edges of its phases. What goes after the step is left out. */
export interface Levels {
  /** After each instant, by the event's `seq`; undefined for events that the step does not have. */
  readonly after: readonly (number | undefined)[]
  readonly edges: Readonly<Record<Phase, Edges>>
}

/**
 * Bytes of what lives on the device. `trace` is the static part and a step's events; `sizeOf` is what a storage of so many bytes counts
 * as, an allocator's block for instance; parameters side by side count as they are, since their bytes grow with the layers and a block's
 * would not grow evenly.
 */
export function levelsOf(trace: readonly TraceEvent[], sizeOf?: (bytes: number) => number): Levels {
  const after = new Array<number | undefined>(1 + (trace.at(-1)?.seq ?? 0))
  const edges: Partial<Record<Phase, Edges>> = {}
  let bytes = 0
  const flat = sizeOf ? flatStorages(trace) : null
  for (const e of trace) {
    if (changesLevel(e) && !isAfterStep(e)) {
      if (e.phase !== 'static') edges[e.phase] ??= { start: bytes, end: bytes }
      const size = sizeOf && !flat?.has(e.storage) ? sizeOf(e.bytes) : e.bytes
      bytes += e.action === 'alloc' ? size : -size
      if (e.phase !== 'static') edges[e.phase]!.end = bytes
    }
    if (isInstant(e)) after[e.seq] = bytes
  }
  // A phase without events of its own lies at the end.
  for (const p of PHASES) edges[p] ??= { start: bytes, end: bytes }
  return { after, edges: edges as Record<Phase, Edges> }
}

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
export function highest(trace: readonly TraceEvent[], sizeOf?: (bytes: number) => number): Record<Phase, High> {
  const { after, edges } = levelsOf(trace, sizeOf)
  const of = ({ start, end }: Edges): High => ({ bytes: start, at: null, end })
  const result = { forward: of(edges.forward), backward: of(edges.backward), optimizer: of(edges.optimizer) }
  for (const e of trace) {
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

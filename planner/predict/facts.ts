import type { Allocator } from '../allocate/allocator.ts'
import { type LawSum, lawOf, lawSums } from '../formula/law.ts'
import type { Network } from '../network/network.ts'
import type { EstimateBody } from '../result/estimate.ts'
import { numel } from '../trace/axes.ts'
import { type Category, PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { isAfterStep, isRetyped, type Live, Replay } from '../trace/reading.ts'
import { foldScope } from '../trace/scope.ts'
import { type AliveRow, aliveTable, isSaved, type SavedRow, savedTable } from '../trace/tables.ts'
import type { Gpu } from './estimate.ts'
import type { High } from './levels.ts'

export type ByCategory = Partial<Record<Category, number>>

export interface PhaseFacts {
  readonly peak: number
  readonly end: number
  readonly scope: string
  readonly op: string
}

/** A point of the timeline with its place in the phase's stream. */
export interface TimelinePoint {
  readonly seq: number
  /** The event it stands before, by the number of those before that in all steps. */
  readonly index: number
  readonly phase: Phase
  /** The last one of its phase. */
  readonly closes: boolean
  readonly parts: ByCategory
}

/** What is read off a trace at its instants: all of it adds up over layers. */
export interface Tables {
  readonly counts: EstimateBody['parameters']
  readonly fixed: ByCategory
  readonly savedBytes: number
  readonly saved: ReadonlyMap<string, SavedRow>
  readonly gradients: number
  readonly parts: ByCategory
  readonly alive: ReadonlyMap<string, AliveRow>
  readonly law: ReadonlyMap<string, LawSum>
  readonly timeline: readonly TimelinePoint[]
}

/** Everything an estimate says, before it is written down. */
export interface Facts extends Tables {
  readonly first: Record<Phase, PhaseFacts>
  readonly steady: Record<Phase, PhaseFacts>
  readonly phase: Phase
  /** Bytes of the highest instant where every storage is the allocator's block for it; null without an allocator. */
  readonly blocks: number | null
}

/** The figures of a phase: its highest instant `at`, its start where that is null. */
const phaseFacts = ({ bytes, at, end }: High): PhaseFacts => ({
  peak: bytes,
  end,
  scope: foldScope(at?.scope ?? ''),
  op: at?.op ?? 'start',
})

export const stepFacts = (high: Readonly<Record<Phase, High>>): Record<Phase, PhaseFacts> => ({
  forward: phaseFacts(high.forward),
  backward: phaseFacts(high.backward),
  optimizer: phaseFacts(high.optimizer),
})

/** The phase with the highest instant; the earliest of equals. */
export const peakPhase = (step: Record<Phase, PhaseFacts>): Phase =>
  PHASES.reduce((best, p) => (step[p].peak > step[best].peak ? p : best), PHASES[0] as Phase)

/** One pass over the steady step; tables are made after `peak`, or at the start of `phase` where that is null. */
export function readTables(
  network: Network,
  trace: readonly TraceEvent[],
  phase: Phase,
  peak: TraceEvent | null,
): Tables {
  const replay = new Replay()
  const timeline: TimelinePoint[] = []
  let fixed: ByCategory = {}
  // The static part is counted as the first step finds it.
  let loaded: ByCategory = {}
  let savedBytes = 0
  let saved: ReadonlyMap<string, SavedRow> = new Map()
  const dropped: Live[] = []
  let gradients = 0
  let atPeak = peakTables(replay)
  let at: TraceEvent['phase'] = 'static'
  let rising = false
  let ended = false
  for (let i = 0; i < trace.length; i++) {
    const e = trace[i]!
    const over = at === 'optimizer' && isAfterStep(e)
    if ((e.phase !== at || over) && at !== 'static' && !ended) {
      timeline.push({ seq: e.seq, index: trace[i - 1]!.seq + 1, phase: at, closes: true, parts: replay.byCategory() })
      ended = over
    }
    if (e.phase !== at) {
      if (at === 'static') fixed = { ...replay.byCategory(), ...loaded }
      if (at === 'forward') {
        const kept = [...replay.live.values(), ...dropped].filter(isSaved)
        savedBytes = kept.reduce((n, s) => n + s.bytes, 0)
        saved = savedTable(kept)
      }
      if (e.phase === 'forward') dropped.length = 0
      if (at === 'backward') gradients = replay.sums.gradient
      at = e.phase
      rising = true
      if (peak === null && at === phase) atPeak = peakTables(replay)
    }
    const counted = at !== 'static' && (e.action === 'free' || (e.action === 'alloc' && e.device === 'device'))
    if (counted && at !== 'static' && !isAfterStep(e)) {
      const up = e.action === 'alloc' && e.bytes > 0
      if (!up && rising)
        timeline.push({ seq: e.seq, index: e.seq, phase: at, closes: false, parts: replay.byCategory() })
      rising = up
    }
    if (isRetyped(e)) loaded = { parameter: loaded.parameter ?? replay.sums.parameter }
    if (e.action === 'unsave' && at === 'forward') noteDropped(replay, e, dropped)
    replay.apply(e)
    if (e === peak) atPeak = peakTables(replay)
  }
  const trained = network.parameters.filter((p) => p.trains)
  return {
    counts: {
      total: network.parameters.reduce((n, p) => n + (p.elements ?? numel(p.axes)), 0),
      trainable: trained.reduce((n, p) => n + numel(p.axes), 0),
      trainable_tensors: trained.length,
    },
    fixed,
    savedBytes,
    saved,
    gradients,
    ...atPeak,
    timeline,
  }
}

/**
 * A graph that dies within the forward (DoRA's weight norm) lets its tensors go at once. They count as saved all the same: so
 * does a saved_tensors_hook, which is how the recorded rows were counted.
 */
function noteDropped(replay: Replay, e: TraceEvent, dropped: Live[]): void {
  const s = replay.live.get(e.storage)
  if (s && s.saves.length === 1 && isSaved(s)) dropped.push({ ...s, saves: [...s.saves] })
}

const peakTables = (replay: Replay): Pick<Tables, 'parts' | 'alive' | 'law'> => ({
  parts: replay.byCategory(),
  alive: aliveTable(replay.live.values()),
  law: lawSums(replay.live.values()),
})

/** Writes an estimate's body. */
export function bodyFrom(facts: Facts, gpu: Gpu | null, allocator: Allocator | null = null): EstimateBody {
  const { steady, phase, fixed } = facts
  const { peak, scope, op } = steady[phase]
  const { expression, per_token_bytes, terms } = lawOf(facts.law.values())
  return {
    parameters: facts.counts,
    static: {
      parameters_bytes: fixed.parameter ?? 0,
      quantization_bytes: fixed.other ?? 0,
      buffers_bytes: fixed.buffer ?? 0,
      inputs_bytes: fixed.input ?? 0,
    },
    gradients_bytes: facts.gradients,
    optimizer_state_bytes: fixed['optimizer state'] ?? 0,
    saved_bytes: facts.savedBytes,
    saved: [...facts.saved.values()],
    first_step: figures(facts.first),
    step: figures(steady),
    peak: {
      bytes: peak,
      phase,
      scope,
      op,
      parts: facts.parts,
      alive: [...facts.alive.values()].sort((a, b) => b.bytes - a.bytes),
    },
    timeline: facts.timeline.map((p) => [p.seq, p.phase, p.parts]),
    law: { expression, per_token_bytes, terms: [...terms] },
    tiers: { live: peak, allocated: allocatedOf(facts, gpu, allocator), reserved: null, process: null },
    fit: null,
  }
}

const figures = (step: Record<Phase, PhaseFacts>): EstimateBody['step'] => {
  const of = ({ peak, end, scope, op }: PhaseFacts) => ({ peak_bytes: peak, end_bytes: end, peak_at: { scope, op } })
  return { forward: of(step.forward), backward: of(step.backward), optimizer: of(step.optimizer) }
}

/** What the device's allocator has given out at the highest instant: blocks for all storages, and the workspaces of libraries. */
function allocatedOf(
  { blocks }: Facts,
  gpu: Gpu | null,
  allocator: Allocator | null,
): EstimateBody['tiers']['allocated'] {
  if (blocks === null || allocator === null) return null
  const { bytes, basis } = allocator.workspaces(gpu?.device ?? null)
  return { bytes: blocks + bytes, workspaces_bytes: bytes, basis }
}

import type { Allocator } from '../allocate/allocator.ts'
import { type LawSum, lawOf, lawSums } from '../formula/law.ts'
import type { Network } from '../network/network.ts'
import type { EstimateBody } from '../result/estimate.ts'
import { numel } from '../trace/axes.ts'
import { type EventPhase, PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { type ByCategory, isAfterStep, isRetyped, type Live, Replay, type Step } from '../trace/reading.ts'
import { foldScope } from '../trace/scope.ts'
import { type AliveRow, aliveTable, isSaved, kindsOf, type SavedRow, savedTable } from '../trace/tables.ts'
import type { Gpu } from './estimate.ts'
import type { High } from './levels.ts'
import { Timeline, type WrittenTimeline } from './timeline.ts'

export interface PhaseFacts {
  readonly peak: number
  readonly end: number
  readonly scope: string
  readonly op: string
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
  readonly timeline: Timeline
}

/** Everything an estimate says, before it is written down. */
export interface Facts extends Omit<Tables, 'timeline'> {
  readonly timeline: WrittenTimeline
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
  { fixed: before, events }: Step,
  phase: Phase,
  peak: TraceEvent | null,
): Tables {
  const replay = new Replay()
  // The static part is counted as the first step finds it.
  let loaded: ByCategory = {}
  for (const e of before) {
    if (isRetyped(e)) loaded = { parameter: loaded.parameter ?? replay.of('parameter') }
    replay.apply(e)
  }
  const fixed = { ...replay.byCategory(), ...loaded }
  const timeline = new Timeline()
  let savedBytes = 0
  let saved: ReadonlyMap<string, SavedRow> = new Map()
  const dropped: Live[] = []
  let gradients = 0
  let atPeak: PeakTables | null = null
  let at: EventPhase = 'static'
  let rising = false
  let ended = false
  for (let i = 0; i < events.length; i++) {
    const e = events[i]!
    const over = at === 'optimizer' && isAfterStep(e)
    if ((e.phase !== at || over) && at !== 'static' && !ended) {
      timeline.push(e.seq, events[i - 1]!.seq + 1, at, true, replay.sums)
      ended = over
    }
    if (e.phase !== at) {
      if (at === 'forward') {
        const kept = [...replay.live.values(), ...dropped].filter(isSaved)
        savedBytes = kept.reduce((n, s) => n + s.bytes, 0)
        saved = savedTable(kept)
      }
      if (e.phase === 'forward') dropped.length = 0
      if (at === 'backward') gradients = replay.of('gradient')
      at = e.phase
      rising = true
      if (peak === null && at === phase) atPeak = peakTables(replay)
    }
    const counted = e.action === 'free' || (e.action === 'alloc' && e.device === 'device')
    if (counted && at !== 'static' && !isAfterStep(e)) {
      const up = e.action === 'alloc' && e.bytes > 0
      if (!up && rising) timeline.push(e.seq, e.seq, at, false, replay.sums)
      rising = up
    }
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
    ...(atPeak ?? peakTables(new Replay())),
    timeline,
  }
}

/**
 * A graph that dies within the forward (DoRA's weight norm) lets its tensors go at once. They count as saved all the same: so
 * does a saved_tensors_hook, which is how the recorded rows were counted.
 */
function noteDropped(replay: Replay, e: TraceEvent, dropped: Live[]): void {
  const s = replay.live.get(e.storage)
  if (s && s.saves.length === 1 && isSaved(s)) dropped.push({ ...s })
}

type PeakTables = Pick<Tables, 'parts' | 'alive' | 'law'>

function peakTables(replay: Replay): PeakTables {
  const kinds = kindsOf(replay.live.values())
  return { parts: replay.byCategory(), alive: aliveTable(kinds), law: lawSums(kinds) }
}

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
    timeline: facts.timeline,
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

import type { Axes } from './axes.ts'
import type { DType } from './dtype.ts'
import type { Alloc, Category, Phase, TraceEvent } from './event.ts'

/** A storage while it lives. */
export interface Live {
  readonly id: number
  readonly bytes: number
  readonly axes: Axes
  readonly dtype: DType
  readonly scope: string
  readonly op: string
  /** What it was made as, or retagged to. */
  category: Category
  /** One entry a save that is still held. */
  readonly saves: {
    readonly scope: string
    readonly op: string
    readonly why: string
    readonly axes: Axes
    readonly dtype: DType
  }[]
}

/** What the storage is now: a temporary that some node keeps is an activation. */
export const categoryOf = (s: Live): Category =>
  s.category === 'temporary' && s.saves.length > 0 ? 'activation' : s.category

/** Replays a trace event by event: what lives, and how many bytes. Host memory is left out. */
export class Replay {
  readonly live = new Map<number, Live>()
  bytes = 0
  readonly #host = new Set<number>()

  apply(e: TraceEvent): void {
    switch (e.action) {
      case 'alloc':
        if (e.device === 'host') this.#host.add(e.storage)
        else this.#alloc(e)
        return
      case 'free':
        if (this.live.delete(e.storage)) this.bytes -= e.bytes
        return
      case 'save': {
        this.live.get(e.storage)?.saves.push(e)
        return
      }
      case 'unsave':
        this.live.get(e.storage)?.saves.pop()
        return
      case 'retag': {
        const s = this.live.get(e.storage)
        if (s) s.category = e.category
        return
      }
      default:
        return
    }
  }

  #alloc(e: Alloc): void {
    this.bytes += e.bytes
    const { storage: id, bytes, axes, dtype, scope, op, category } = e
    this.live.set(id, { id, bytes, axes, dtype, scope, op, category, saves: [] })
  }
}

/** One phase of one step: the highest instant and the end, in live bytes with the static part. */
export interface PhaseReading {
  peak: number
  end: number
  /** Sequence number of the allocation that made the peak; -1 where the phase's start was its highest instant. */
  peakSeq: number
  scope: string
  op: string
}

export type StepReading = Record<Phase, PhaseReading>

/** Peaks and ends of every step of a trace. Steps are numbered from 0. */
export function readSteps(events: Iterable<TraceEvent>): StepReading[] {
  const steps: StepReading[] = []
  const host = new Set<number>()
  let bytes = 0
  let phase: PhaseReading | null = null
  let at = ''
  for (const e of events) {
    if (e.action === 'alloc') {
      if (e.device === 'host') host.add(e.storage)
    } else if (e.action !== 'free') continue
    if (host.has(e.storage)) continue
    if (e.phase !== 'static') {
      const key = `${e.step} ${e.phase}`
      if (key !== at) {
        at = key
        steps[e.step] ??= { forward: blank(bytes), backward: blank(bytes), optimizer: blank(bytes) }
        phase = steps[e.step]![e.phase]
        phase.peak = bytes
        phase.end = bytes
        phase.scope = e.scope
        phase.op = 'start'
      }
    }
    bytes += e.action === 'alloc' ? e.bytes : -e.bytes
    if (!phase) continue
    // The optimizer's phase ends when it has stepped; what zero_grad and `del loss` free comes after.
    if (e.op === 'zero_grad' || e.op === 'del loss') continue
    phase.end = bytes
    if (bytes > phase.peak) {
      phase.peak = bytes
      phase.peakSeq = e.seq
      phase.scope = e.scope
      phase.op = e.op
    }
  }
  return steps
}

const blank = (bytes: number): PhaseReading => ({ peak: bytes, end: bytes, peakSeq: -1, scope: '', op: 'start' })

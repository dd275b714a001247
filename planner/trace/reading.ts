import type { Axes } from './axes.ts'
import type { DType } from './dtype.ts'
import { type Alloc, CATEGORIES, type Category, type Save, type TraceEvent } from './event.ts'

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
  readonly saves: Save[]
}

/** What the storage is now: a temporary that some node keeps is an activation. */
export const categoryOf = (s: Live): Category =>
  s.category === 'temporary' && s.saves.length > 0 ? 'activation' : s.category

/** Replays a trace event by event: what lives, and how many bytes by category. Host memory is left out. */
export class Replay {
  readonly live = new Map<number, Live>()
  readonly sums: Record<Category, number> = {
    parameter: 0,
    gradient: 0,
    'optimizer state': 0,
    activation: 0,
    temporary: 0,
    buffer: 0,
    input: 0,
    other: 0,
  }
  bytes = 0

  apply(e: TraceEvent): void {
    if (e.action === 'alloc') {
      if (e.device === 'device') this.#alloc(e)
      return
    }
    const s = this.live.get(e.storage)
    if (!s) return
    switch (e.action) {
      case 'free':
        this.live.delete(e.storage)
        this.bytes -= s.bytes
        this.sums[categoryOf(s)] -= s.bytes
        return
      case 'save':
        this.#recount(s, () => void s.saves.push(e))
        return
      case 'unsave':
        this.#recount(s, () => void s.saves.pop())
        return
      case 'retag':
        this.#recount(s, () => {
          s.category = e.category
        })
        return
      default:
        return
    }
  }

  /** Bytes by category; categories without bytes are left out. */
  byCategory(): Partial<Record<Category, number>> {
    const result: Partial<Record<Category, number>> = {}
    for (const c of CATEGORIES) if (this.sums[c] > 0) result[c] = this.sums[c]
    return result
  }

  #alloc({ storage: id, bytes, axes, dtype, scope, op, category }: Alloc): void {
    this.bytes += bytes
    this.sums[category] += bytes
    this.live.set(id, { id, bytes, axes, dtype, scope, op, category, saves: [] })
  }

  #recount(s: Live, change: () => void): void {
    this.sums[categoryOf(s)] -= s.bytes
    change()
    this.sums[categoryOf(s)] += s.bytes
  }
}

/** What zero_grad and `del loss` free comes after the optimizer has stepped. */
export const AFTER: ReadonlySet<string> = new Set(['zero_grad', 'del loss'])
export const isAfterStep = (e: TraceEvent): boolean => e.phase === 'optimizer' && AFTER.has(e.op)

/** The events of the first step, after the static part. */
export const firstStep = (events: readonly TraceEvent[]): TraceEvent[] =>
  events.filter((e) => e.phase === 'static' || e.step === 0)

/** Parameters that took another type for good while the first step ran. */
export const isRetyped = (e: TraceEvent): boolean => e.op === 'retype'

/** Storages that earlier steps made and the last one finds. */
function foundBy(events: readonly TraceEvent[], last: number): Set<number> {
  const found = new Set<number>()
  for (const { action, step, storage } of events) {
    if (step >= last) continue
    if (action === 'alloc') found.add(storage)
    else if (action === 'free') found.delete(storage)
  }
  return found
}

/** State that a step before the last one made. A number that every step makes anew belongs to the last step as well. */
const isState = (e: TraceEvent, last: number): boolean =>
  e.action === 'alloc' && e.category === 'optimizer state' && (e.step < last || last === 0)

/**
 * The events of the steady step: the static part as later steps find it, the optimizer's state, then the last step. Forward and backward of a later
 * step are the first one's, so a trace may leave them out: then the first step's stand in.
 */
export function steadyStep(events: readonly TraceEvent[]): TraceEvent[] {
  const last = events.at(-1)?.step ?? 0
  const whole = events.some((e) => e.step === last && e.phase === 'forward')
  const found = whole ? foundBy(events, last) : null
  const fixed: TraceEvent[] = []
  const step: TraceEvent[] = []
  for (const e of events) {
    const isFound = e.action === 'alloc' && e.step < last && found?.has(e.storage) === true
    const lasting = e.phase === 'static' || isRetyped(e) || isState(e, last) || isFound
    if (lasting) fixed.push(e.phase === 'static' ? e : { ...e, phase: 'static' })
    else if (e.step === last || (!whole && e.phase !== 'optimizer')) step.push(e)
  }
  return [...fixed, ...step]
}

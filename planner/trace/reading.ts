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
  saves: readonly Save[]
}

/** What the storage is now: a temporary that some node keeps is an activation. */
export const categoryOf = (s: Live): Category =>
  s.category === 'temporary' && s.saves.length > 0 ? 'activation' : s.category

/** Places of the categories in `CATEGORIES`. */
const PLACE = Object.fromEntries(CATEGORIES.map((c, i) => [c, i])) as Readonly<Record<Category, number>>

const placeOf = (s: Live): number => PLACE[categoryOf(s)]

/** Replays a trace event by event: what lives, and how many bytes by category. Host memory is left out. */
export class Replay {
  readonly live = new Map<number, Live>()
  /** Bytes by category, in the order of `CATEGORIES`. */
  readonly sums = new Float64Array(CATEGORIES.length)
  bytes = 0

  apply(e: TraceEvent): void {
    if (e.action === 'alloc') {
      if (e.device === 'device') this.#alloc(e)
      return
    }
    const s = this.live.get(e.storage)
    if (!s) return
    this.sums[placeOf(s)]! -= s.bytes
    if (e.action === 'free') {
      this.live.delete(e.storage)
      this.bytes -= s.bytes
      return
    }
    if (e.action === 'save') s.saves = [...s.saves, e]
    else if (e.action === 'unsave') s.saves = s.saves.slice(0, -1)
    else if (e.action === 'retag') s.category = e.category
    this.sums[placeOf(s)]! += s.bytes
  }

  /** Bytes of a category. */
  of(category: Category): number {
    return this.sums[PLACE[category]]!
  }

  /** Bytes by category; categories without bytes are left out. */
  byCategory(): ByCategory {
    return byCategory(this.sums)
  }

  #alloc({ storage: id, bytes, axes, dtype, scope, op, category }: Alloc): void {
    this.bytes += bytes
    this.sums[PLACE[category]]! += bytes
    this.live.set(id, { id, bytes, axes, dtype, scope, op, category, saves: [] })
  }
}

export type ByCategory = Partial<Record<Category, number>>

/**
 * Names sums in the order of `CATEGORIES`, the first of them at `at`; those of nothing are left out. Written out: an estimate has
 * thousands of these objects, and a property under a computed name takes several times as long to set as one that stands here.
 */
export function byCategory(sums: ArrayLike<number>, at = 0): ByCategory {
  const result: ByCategory = {}
  if (sums[at]! > 0) result.parameter = sums[at]!
  if (sums[at + 1]! > 0) result.gradient = sums[at + 1]!
  if (sums[at + 2]! > 0) result['optimizer state'] = sums[at + 2]!
  if (sums[at + 3]! > 0) result.activation = sums[at + 3]!
  if (sums[at + 4]! > 0) result.temporary = sums[at + 4]!
  if (sums[at + 5]! > 0) result.buffer = sums[at + 5]!
  if (sums[at + 6]! > 0) result.input = sums[at + 6]!
  if (sums[at + 7]! > 0) result.other = sums[at + 7]!
  return result
}

/** What zero_grad and `del loss` free comes after the optimizer has stepped. */
export const AFTER: ReadonlySet<string> = new Set(['zero_grad', 'del loss'])
export const isAfterStep = (e: TraceEvent): boolean => e.phase === 'optimizer' && AFTER.has(e.op)

/** Parameters that took another type for good while the first step ran. */
export const isRetyped = (e: TraceEvent): boolean => e.op === 'retype'

/** Storages that earlier steps made and the last one finds. */
function foundBy(trace: readonly TraceEvent[], last: number): Set<number> {
  const found = new Set<number>()
  for (const { action, step, storage } of trace) {
    if (step >= last) continue
    if (action === 'alloc') found.add(storage)
    else if (action === 'free') found.delete(storage)
  }
  return found
}

/** State that a step before the last one made. A number that every step makes anew belongs to the last step as well. */
const isState = (e: TraceEvent, last: number): boolean =>
  e.action === 'alloc' && e.category === 'optimizer state' && (e.step < last || last === 0)

/** A step's events, and before them those of what it finds: parameters, buffers, the batch, state of the steps before it. */
export interface Step {
  readonly fixed: readonly TraceEvent[]
  readonly events: readonly TraceEvent[]
  /** A number above every `seq` of the whole trace. */
  readonly end: number
}

/**
 * The first step after the static part, or the steady one: the static part as later steps find it and the optimizer's state, then the
 * last step. Forward and backward of a later step are the first one's, so a trace may leave them out: then the first step's stand in.
 */
export function stepOf(trace: readonly TraceEvent[], which: 'first' | 'steady'): Step {
  const fixed: TraceEvent[] = []
  const events: TraceEvent[] = []
  const last = trace.at(-1)?.step ?? 0
  const whole = trace.some((e) => e.step === last && e.phase === 'forward')
  const found = whole && which === 'steady' ? foundBy(trace, last) : null
  const isFound = (e: TraceEvent) => e.action === 'alloc' && e.step < last && found?.has(e.storage) === true
  for (const e of trace) {
    if (e.phase === 'static') fixed.push(e)
    else if (which === 'first') {
      if (e.step === 0) events.push(e)
    } else if (isRetyped(e) || isState(e, last) || isFound(e)) fixed.push(e)
    else if (e.step === last || (!whole && e.phase !== 'optimizer')) events.push(e)
  }
  return { fixed, events, end: 1 + (trace.at(-1)?.seq ?? 0) }
}

/** The events of the first step, after the static part. */
export const firstStep = (trace: readonly TraceEvent[]): TraceEvent[] => inOne(stepOf(trace, 'first'))

/** The events of the steady step, after those of what it finds, which are static. */
export const steadyStep = (trace: readonly TraceEvent[]): TraceEvent[] => inOne(stepOf(trace, 'steady'))

const inOne = ({ fixed, events }: Step): TraceEvent[] => [
  ...fixed.map((e): TraceEvent => (e.phase === 'static' ? e : { ...e, phase: 'static' })),
  ...events,
]

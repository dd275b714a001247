import type { EstimateBody } from '../result/estimate.ts'
import type { TraceEvent } from '../trace/event.ts'
import { type Live, Replay } from '../trace/reading.ts'

/** How many storages of each size there are. Sizes in bytes. */
export type Census = ReadonlyMap<number, number>

export function censusOf(sizes: Iterable<number>): Map<number, number> {
  const census = new Map<number, number>()
  for (const size of sizes) census.set(size, (census.get(size) ?? 0) + 1)
  return census
}

/** The storages of a prediction that live at its peak. */
export function predictedCensus({ peak }: EstimateBody): Map<number, number> {
  const census = new Map<number, number>()
  for (const { bytes, count } of peak.alive) census.set(bytes / count, (census.get(bytes / count) ?? 0) + count)
  return census
}

/** Bytes of storages that one census has and the other has not. */
export function distance(a: Census, b: Census): number {
  let bytes = 0
  for (const [size, count] of a) bytes += size * Math.abs(count - (b.get(size) ?? 0))
  for (const [size, count] of b) if (!a.has(size)) bytes += size * count
  return bytes
}

/** The highest instant of a run. */
export interface MeasuredPeak {
  readonly bytes: number
  /** Index of the event that reached it; -1 where it is what lived before the first. */
  readonly event: number
  readonly phase: string
  readonly scope: string
  readonly op: string
  readonly alive: readonly Live[]
}

/** Goes over the events twice: to find the peak, then to see what lives there. */
export function measuredPeak(events: readonly TraceEvent[]): MeasuredPeak {
  const search = new Replay()
  let [bytes, at] = [0, -1]
  for (const [i, e] of events.entries()) {
    search.apply(e)
    if (search.bytes > bytes) [bytes, at] = [search.bytes, i]
  }
  const replay = new Replay()
  for (let i = 0; i <= at; i++) replay.apply(events[i]!)
  const e = events[at]
  return {
    bytes,
    event: at,
    phase: e?.phase ?? 'static',
    scope: e?.scope ?? '',
    op: e?.op ?? '',
    alive: [...replay.live.values()],
  }
}

import type { Phase, TraceEvent } from '../trace/event.ts'
import { isAfterStep } from '../trace/reading.ts'

/** Allocations and releases of one phase with the live bytes after each. */
export interface Stream {
  /** Live bytes before the first of them. */
  readonly start: number
  readonly events: TraceEvent[]
  readonly live: number[]
  /**
   * Where in `events` the layers are gone through again: micro-steps come to forward and backward several times, and a pass of
   * reference goes from the loss back to the model.
   */
  readonly visits: number[]
}

export type Streams = Record<Phase, Stream>

/**
 * The phases of one step: `trace` is the static part and that step's events. `sizeOf` is what a storage of so many bytes counts.
 */
export function streamsOf(trace: readonly TraceEvent[], sizeOf: (bytes: number) => number = (bytes) => bytes): Streams {
  const streams: Partial<Streams> = {}
  let bytes = 0
  let at: Phase | null = null
  let scope = ''
  for (const e of trace) {
    if (e.action === 'alloc') {
      if (e.device === 'host') continue
    } else if (e.action !== 'free') continue
    if (e.phase !== 'static' && !isAfterStep(e)) {
      const stream = streams[e.phase] ?? { start: bytes, events: [], live: [], visits: [] }
      streams[e.phase] = stream
      const again = e.phase === 'forward' && scope === '' && e.scope !== ''
      if (e.phase !== at || again) stream.visits.push(stream.events.length)
      at = e.phase
      scope = e.scope
      bytes += e.action === 'alloc' ? sizeOf(e.bytes) : -sizeOf(e.bytes)
      stream.events.push(e)
      stream.live.push(bytes)
    } else bytes += e.action === 'alloc' ? sizeOf(e.bytes) : isAfterStep(e) ? 0 : -sizeOf(e.bytes)
  }
  const empty = (): Stream => ({ start: bytes, events: [], live: [], visits: [] })
  return {
    forward: streams.forward ?? empty(),
    backward: streams.backward ?? empty(),
    optimizer: streams.optimizer ?? empty(),
  }
}

export const endOf = (s: Stream): number => s.live.at(-1) ?? s.start

/** Index of the highest instant; -1 where it is the start. The first of equals. */
export function peakOf(start: number, live: readonly number[]): number {
  let best = start
  let at = -1
  for (let i = 0; i < live.length; i++) {
    if (live[i]! > best) {
      best = live[i]!
      at = i
    }
  }
  return at
}

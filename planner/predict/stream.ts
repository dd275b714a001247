import type { Phase, TraceEvent } from '../trace/event.ts'
import { isAfterStep } from '../trace/reading.ts'

/** Bytes over a phase. */
export interface Level {
  /** Before its first allocation or release. */
  readonly start: number
  /** After each of them. */
  readonly live: number[]
}

/** Allocations and releases of one phase with the live bytes after each. */
export interface Stream extends Level {
  readonly events: TraceEvent[]
  /** The same where every storage counts as the allocator's block for it; the storages themselves without an allocator. */
  readonly blocks: Level
  /**
   * Where in `events` the layers are gone through again: micro-steps come to forward and backward several times, and a pass of
   * reference goes from the loss back to the model.
   */
  readonly visits: number[]
}

export type Streams = Record<Phase, Stream>

/** The phases of one step: `trace` is the static part and that step's events. `blockOf` is the block for so many bytes. */
export function streamsOf(trace: readonly TraceEvent[], blockOf?: (bytes: number) => number): Streams {
  const streams: Partial<Streams> = {}
  let bytes = 0
  let blocks = 0
  let at: Phase | null = null
  let scope = ''
  const empty = (): Stream => {
    const level: Level = { start: bytes, live: [] }
    return { ...level, events: [], visits: [], blocks: blockOf ? { start: blocks, live: [] } : level }
  }
  for (const e of trace) {
    if (e.action === 'alloc') {
      if (e.device === 'host') continue
    } else if (e.action !== 'free') continue
    const after = isAfterStep(e)
    const sign = e.action === 'alloc' ? 1 : after ? 0 : -1
    const inPhase = e.phase !== 'static' && !after
    if (inPhase) streams[e.phase] ??= empty()
    bytes += sign * e.bytes
    if (blockOf) blocks += sign * blockOf(e.bytes)
    if (!inPhase) continue
    const stream = streams[e.phase]!
    const again = e.phase === 'forward' && scope === '' && e.scope !== ''
    if (e.phase !== at || again) stream.visits.push(stream.events.length)
    at = e.phase
    scope = e.scope
    stream.events.push(e)
    stream.live.push(bytes)
    if (blockOf) stream.blocks.live.push(blocks)
  }
  return {
    forward: streams.forward ?? empty(),
    backward: streams.backward ?? empty(),
    optimizer: streams.optimizer ?? empty(),
  }
}

export const endOf = (s: Level): number => s.live.at(-1) ?? s.start

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

/** Bytes at its highest instant. */
export const highestOf = ({ start, live }: Level): number => live[peakOf(start, live)] ?? start

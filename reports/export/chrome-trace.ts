import type { TraceEvent } from '../../planner/trace/event.ts'
import { Replay } from '../../planner/trace/reading.ts'
import { byGroup, GROUPS, PALETTE } from '../palette.ts'

/** Events of one runtime, as a process of the trace: `predicted`, `measured`. */
export interface TraceSource {
  readonly name: string
  readonly events: Iterable<TraceEvent>
}

const CLOCK = 'ts is the index of the event, not a time: a prediction has no clock'

/**
 * A trace for Perfetto or chrome://tracing: slices for step, phase, modules and operations, nested, and counters of live bytes
 * by category. Several sources stand as processes below one another.
 */
export function renderChromeTrace(events: Iterable<TraceEvent> | readonly TraceSource[], name = 'predicted'): string {
  const sources = isSources(events) ? events : [{ name, events }]
  const lines = sources.flatMap((source, i) => [...processEvents(source, i + 1)])
  const body = lines.map((line) => JSON.stringify(line)).join(',\n')
  return `{"displayTimeUnit":"ns","otherData":{"clock":${JSON.stringify(CLOCK)}},"traceEvents":[\n${body}\n]}\n`
}

const isSources = (e: Iterable<TraceEvent> | readonly TraceSource[]): e is readonly TraceSource[] =>
  Array.isArray(e) && e.length > 0 && 'events' in e[0]

interface ChromeEvent {
  readonly ph: 'X' | 'C' | 'M'
  readonly pid: number
  readonly tid?: number
  readonly name: string
  readonly ts?: number
  readonly dur?: number
  readonly args?: Readonly<Record<string, string | number>>
}

function* processEvents({ name, events }: TraceSource, pid: number): Generator<ChromeEvent> {
  yield { ph: 'M', pid, name: 'process_name', args: { name: `${name} (${CLOCK})` } }
  yield { ph: 'M', pid, tid: 1, name: 'thread_name', args: { name: 'step, phase, module, operation' } }
  const replay = new Replay()
  const open: { name: string; ts: number }[] = []
  const close = (depth: number, now: number): ChromeEvent[] =>
    open
      .splice(depth)
      .reverse()
      .map((s) => ({ ph: 'X', pid, tid: 1, name: s.name, ts: s.ts, dur: now - s.ts }))
  let ts = 0
  let before = ''
  for (const e of events) {
    const path = [e.phase === 'static' ? 'static' : `step ${e.step}`, e.phase, ...modules(e.scope), e.op]
    const shared = path.findIndex((p, depth) => open[depth]?.name !== p)
    const same = shared === -1 && path.length === open.length
    if (!same) {
      yield* close(shared === -1 ? path.length : shared, ts)
      for (const p of path.slice(open.length)) open.push({ name: p, ts })
    }
    replay.apply(e)
    const sums = byGroup(replay.byCategory())
    const args = Object.fromEntries(GROUPS.map((g) => [PALETTE[g].label, sums[g]]))
    const now = JSON.stringify(args)
    if (now !== before) yield { ph: 'C', pid, name: 'live bytes', ts, args }
    before = now
    ts++
  }
  yield* close(0, ts)
}

/** A path by modules, a layer's number with its list: `model.layers.3.mlp` → `model`, `layers.3`, `mlp`. */
const modules = (scope: string): string[] => (scope === '' ? [] : scope.split(/\.(?!\d+(?:\.|$))/))

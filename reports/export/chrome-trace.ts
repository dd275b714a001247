import type { TraceEvent } from '../../planner/trace/event.ts'
import { Replay } from '../../planner/trace/reading.ts'
import { byGroup, GROUPS, PALETTE } from '../palette.ts'

/** Events of one runtime, as a process of the trace: `predicted`, `measured`. */
export interface TraceSource {
  readonly name: string
  readonly events: Iterable<TraceEvent>
}

const CLOCK = 'ts is the number of the event, not a time: a prediction has no clock'

/**
 * A trace for Perfetto or chrome://tracing: slices for step, phase, modules and operations, nested, and counters of live bytes
 * by category. Several sources stand as processes below one another.
 */
export function renderChromeTrace(events: Iterable<TraceEvent> | readonly TraceSource[], name = 'predicted'): string {
  const sources = isSources(events) ? events : [{ name, events }]
  const lines = sources.flatMap((source, i) => [...processEvents(source, i + 1)])
  const body = lines.map((line) => JSON.stringify(line)).join(',\n')
  return `{"displayTimeUnit":"ms","otherData":{"clock":${JSON.stringify(CLOCK)}},"traceEvents":[\n${body}\n]}\n`
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

interface Slice extends ChromeEvent {
  readonly ts: number
  readonly dur: number
}

function* processEvents({ name, events }: TraceSource, pid: number): Generator<ChromeEvent> {
  yield { ph: 'M', pid, name: 'process_name', args: { name: `${name} (${CLOCK})` } }
  yield { ph: 'M', pid, name: 'process_sort_index', args: { sort_index: pid } }
  yield { ph: 'M', pid, tid: 1, name: 'thread_name', args: { name: 'step, phase, module, operation' } }
  const replay = new Replay()
  const nesting = new Nesting(pid)
  // Nothing lives before the first event: Perfetto wants a counter's first value where the trace begins.
  const counter = (): ChromeEvent => {
    const sums = byGroup(replay.byCategory())
    return {
      ph: 'C',
      pid,
      name: 'live bytes',
      ts,
      args: Object.fromEntries(GROUPS.map((g) => [PALETTE[g].label, sums[g]])),
    }
  }
  let ts = 0
  let shown = counter()
  yield shown
  for (const e of events) {
    ts++
    nesting.enter([e.phase === 'static' ? 'static' : `step ${e.step}`, e.phase, ...modules(e.scope), e.op], ts)
    replay.apply(e)
    const now = counter()
    if (GROUPS.some((g) => now.args?.[PALETTE[g].label] !== shown.args?.[PALETTE[g].label])) yield now
    shown = now
  }
  yield* nesting.finish(ts + 1)
}

/** Slices inside one another, from the paths that events have one after the other. */
class Nesting {
  readonly #pid: number
  readonly #open: { name: string; ts: number }[] = []
  readonly #done: Slice[] = []

  constructor(pid: number) {
    this.#pid = pid
  }

  enter(path: readonly string[], ts: number): void {
    const parted = path.findIndex((p, depth) => this.#open[depth]?.name !== p)
    if (parted === -1 && path.length === this.#open.length) return
    this.#close(parted === -1 ? path.length : parted, ts)
    for (const name of path.slice(this.#open.length)) this.#open.push({ name, ts })
  }

  /** All slices. Of those that begin together the outer comes first: viewers nest in the order they read. */
  finish(ts: number): Slice[] {
    this.#close(0, ts)
    return this.#done.sort((a, b) => a.ts - b.ts || b.dur - a.dur)
  }

  #close(depth: number, now: number): void {
    // outer ones first, so that a stable sort keeps them before an inner one of the same length
    for (const { name, ts } of this.#open.splice(depth))
      this.#done.push({ ph: 'X', pid: this.#pid, tid: 1, name, ts, dur: now - ts })
  }
}

/** A path by modules, a layer's number with its list: `model.layers.3.mlp` → `model`, `layers.3`, `mlp`. */
const modules = (scope: string): string[] => (scope === '' ? [] : scope.split(/\.(?!\d+(?:\.|$))/))

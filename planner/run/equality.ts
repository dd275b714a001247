import type { TraceEvent } from '../trace/event.ts'

/** Where two traces part. */
export interface Divergence {
  readonly index: number
  readonly predicted: string
  readonly measured: string
}

/**
 * Compares two traces event by event: allocations, releases and saves, in order, with bytes, place and reason. Storage numbers
 * are renamed by first appearance. Null where they are equal.
 */
export function divergence(predicted: readonly TraceEvent[], measured: readonly TraceEvent[]): Divergence | null {
  const [p, m] = [lines(predicted), lines(measured)]
  for (let i = 0; ; i++) {
    const [a, b] = [p.next(), m.next()]
    if (a.done && b.done) return null
    const [left, right] = [a.done ? '(end)' : a.value, b.done ? '(end)' : b.value]
    if (left !== right) return { index: i, predicted: left, measured: right }
  }
}

function* lines(events: readonly TraceEvent[]): Generator<string, void> {
  const line = lineWriter()
  for (const e of events) {
    const written = line(e)
    if (written !== null) yield written
  }
}

/** Writes what two traces have to share of an event, event after event; null for what only the auditor reads. */
export function lineWriter(): (e: TraceEvent) => string | null {
  const names = new Map<number, number>()
  return (e) => {
    if (e.action === 'read' || e.action === 'bind' || e.action === 'unbind') return null
    if (e.action === 'alloc') names.set(e.storage, names.size)
    const why = e.action === 'save' ? ` ${e.why}` : ''
    return `${e.step} ${e.phase} ${e.action} #${names.get(e.storage)} ${e.bytes} B ${e.scope} · ${e.op}${why}`
  }
}

import type { TraceEvent } from './trace/event.ts'

/** A storage that lived without a reason. */
export interface Finding {
  readonly storage: number
  readonly bytes: number
  readonly scope: string
  readonly op: string
  /** What is wrong. */
  readonly message: string
}

interface Held {
  readonly made: TraceEvent
  names: number
  saves: number
  /** A parameter, buffer, input, gradient or state: nobody need read it. */
  owned: boolean
  /** The operation that last made, read, named or let go of it. */
  touched: number
}

/**
 * Holds a trace against the rule that a tensor goes with its last use: between that use and its release no other operation may
 * allocate, unless the tensor is named, saved or owned meanwhile. It knows no program, no tape and no runtime, only events with
 * reads and names. Releases of dead storages, saves of them, and what outlives the trace are findings too.
 */
export function audit(events: Iterable<TraceEvent>): Finding[] {
  const findings: Finding[] = []
  const live = new Map<number, Held>()
  let operation = 0
  let allocating = 0
  let last: TraceEvent | null = null
  const report = (e: TraceEvent, message: string) =>
    void findings.push({ storage: e.storage, bytes: e.bytes, scope: e.scope, op: e.op, message })

  for (const e of events) {
    if (last === null || opens(e, last)) operation++
    last = e
    const held = live.get(e.storage)
    if (e.action === 'alloc') {
      if (held) report(e, 'allocated while alive')
      if (e.bytes > 0) allocating = operation
      live.set(e.storage, { made: e, names: 0, saves: 0, owned: e.category !== 'temporary', touched: operation })
      continue
    }
    if (!held) {
      report(e, `${e.action} of a storage that is not alive`)
      continue
    }
    if (e.action === 'free') {
      if (held.saves > 0) report(e, 'freed while a node keeps it')
      if (held.names > 0) report(e, 'freed while a name holds it')
      const late = allocating > held.touched && !held.owned
      if (late) report(held.made, `held past its last use, until ${e.scope || 'the loss'} · ${e.op}`)
      live.delete(e.storage)
      continue
    }
    held.touched = operation
    if (e.action === 'save') held.saves++
    else if (e.action === 'unsave') held.saves--
    else if (e.action === 'bind') held.names++
    else if (e.action === 'unbind') held.names--
    else if (e.action === 'retag') held.owned = true
  }
  for (const held of live.values()) {
    const { made } = held
    if (made.action === 'alloc' && made.category === 'temporary') report(made, 'alive when the trace ends')
  }
  return findings
}

/** A new operation begins where the place changes, or where reading begins again. */
const opens = (e: TraceEvent, last: TraceEvent): boolean =>
  e.op !== last.op ||
  e.scope !== last.scope ||
  e.phase !== last.phase ||
  e.step !== last.step ||
  (e.action === 'read' && last.action !== 'read')

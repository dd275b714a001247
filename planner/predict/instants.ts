import { PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { isAfterStep, steadyStep } from '../trace/reading.ts'
import type { Aligned } from './fold.ts'
import type { FormulaTable } from './formulas.ts'
import { line } from './growth.ts'
import { isInstant } from './levels.ts'
import { eachInstant } from './repetition.ts'

/** An instant as a sum: how many storages of each formula are alive. */
export interface Instant {
  readonly phase: Phase
  readonly counts: Float64Array
}

/** Instants of the model's depth, from those of two depths. */
export function inDepth({ short, long, stretches, more }: Aligned, table: FormulaTable): Instant[] {
  const [low, high] = [local(short, table), local(long, table)]
  const instants: Instant[] = []
  const add = (a: Instant | undefined, b: Instant | undefined) => {
    if (!a || !b) return
    const counts = new Float64Array(b.counts.length)
    for (let k = 0; k < counts.length; k++) counts[k] = line(a.counts[k] ?? 0, b.counts[k]!, more)
    instants.push({ phase: a.phase, counts })
  }
  eachInstant(stretches, (i, j) => add(low.get(i), high.get(j)))
  return instants
}

/** Instants of the steady step by the `seq` of their event: those before something is released, and the start of the step. */
export function local(events: readonly TraceEvent[], table: FormulaTable): Map<number, Instant> {
  const formulas = table.byStorage(events)
  const trace = steadyStep(events)
  const live = new Float64Array(table.formulas.length)
  const onDevice = new Set<number>()
  const result = new Map<number, Instant>()
  let last: { readonly at: number; readonly phase: Phase } | null = null
  const note = () => {
    if (last) result.set(last.at, { phase: last.phase, counts: live.slice() })
    last = null
  }
  for (let i = 0; i < trace.length; i++) {
    const e = trace[i]!
    if (e.phase !== 'static' && trace[i - 1]?.phase !== e.phase) {
      if (e.phase === 'forward' && !last && i > 0) last = { at: trace[i - 1]!.seq, phase: 'forward' }
      note()
    }
    if (isAfterStep(e)) break
    if (e.action === 'free') {
      note()
      if (onDevice.has(e.storage)) live[formulas[e.storage]!]!--
    } else if (e.action === 'alloc' && e.device === 'device') {
      onDevice.add(e.storage)
      live[formulas[e.storage]!]!++
      if (isInstant(e)) last = { at: e.seq, phase: e.phase }
    }
  }
  note()
  return result
}

/** Drops what another instant exceeds in every formula: it can nowhere be the highest. The earliest of equals stays. */
export function undominated(instants: readonly Instant[]): Instant[] {
  const total = ({ counts }: Instant) => counts.reduce((n, c) => n + c, 0)
  const order = PHASES.flatMap((p) => instants.filter((i) => i.phase === p))
  const kept: Instant[] = []
  for (const i of order
    .map((i) => ({ i, n: total(i) }))
    .sort((a, b) => b.n - a.n)
    .map(({ i }) => i)) {
    if (!kept.some((k) => covers(k, i))) kept.push(i)
  }
  return PHASES.flatMap((p) => kept.filter((i) => i.phase === p))
}

function covers(a: Instant, b: Instant): boolean {
  for (let k = 0; k < b.counts.length; k++) if (b.counts[k]! > (a.counts[k] ?? 0)) return false
  return true
}

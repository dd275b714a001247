import type { LeakFinding } from '../result/inspect.ts'
import type { Alloc, TraceEvent } from '../trace/event.ts'
import { stepsOf } from './steps.ts'

/** A leak with the storages it left. */
export interface Leak {
  readonly finding: LeakFinding
  readonly storages: ReadonlySet<number>
}

/** How many steps must each have left a tensor that outlived the next. */
const LEAST_STEPS = 2

/**
 * Tensors that every step leaves behind: of like size and place, born in at least two steady steps before the last, and alive at the
 * end. What one step keeps for the next (a loss that is printed) is gone by then.
 *
 * @param framesOf the stack that asked for a storage, innermost first, as text
 */
export function leaksIn(trace: readonly TraceEvent[], framesOf: (storage: number) => readonly string[]): Leak[] {
  const events = trace.filter((e) => e.action === 'free' || (e.action === 'alloc' && e.device === 'device'))
  const steps = stepsOf(events)
  if (steps === null) return []
  const freed = new Set(events.filter((e) => e.action === 'free').map((e) => e.storage))
  const groups = new Map<string, Group>()
  for (const [i, e] of events.entries()) {
    if (e.action !== 'alloc' || e.phase === 'static' || freed.has(e.storage)) continue
    const key = `${e.bytes}|${e.scope}|${e.op}`
    const group = groups.get(key) ?? { alloc: e, storages: new Set(), births: new Map() }
    groups.set(key, group)
    const back = steps.backOf(i)
    // of what came before the steady steps only what has the leak's own place belongs to it
    if (back >= steps.count && e.op === '' && e.scope === '') continue
    group.storages.add(e.storage)
    if (back < steps.count) group.births.set(back, (group.births.get(back) ?? 0) + 1)
  }
  return [...groups.values()].filter(isLeak).map(({ alloc, storages, births }) => ({
    storages,
    finding: {
      kind: 'leak',
      bytes: alloc.bytes,
      each_step: Math.max(...births.values()),
      steps: births.size,
      count: storages.size,
      scope: alloc.scope,
      at: alloc.op,
      frames: [...framesOf(alloc.storage)],
    },
  }))
}

/** Storages of one size and place that live at the end. */
interface Group {
  readonly alloc: Alloc
  readonly storages: Set<number>
  /** How many were born in each steady step, counted back from the last. */
  readonly births: Map<number, number>
}

const isLeak = ({ births }: Group): boolean => [...births.keys()].filter((back) => back > 0).length >= LEAST_STEPS

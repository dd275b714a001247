import type { TraceEvent } from '../trace/event.ts'

/** The last steps of a run. */
export interface Steps {
  /** How many whole ones are known, counted back from the end. */
  readonly count: number
  /** Which of them an event belongs to: 0 is the last; `count` and more is before the first that is known. */
  backOf(index: number): number
}

/** Fewer steps show no rule. */
const LEAST = 3

/**
 * Finds the steps of a run: by its own repetition, else (batches of different lengths) by its phases. Null where neither tells three.
 *
 * @param events allocations and releases
 */
export const stepsOf = (events: readonly TraceEvent[]): Steps | null => byRepetition(events) ?? byPhase(events)

/**
 * The distance at which the sequence of sizes, read from its end, agrees with itself for longest. Layers repeat too, but only within a
 * phase.
 */
function byRepetition(events: readonly TraceEvent[]): Steps | null {
  const n = events.length
  const key = (i: number): number => {
    const e = events[n - 1 - i]!
    return e.action === 'free' ? -e.bytes : e.bytes
  }
  const agrees = zFunction(n, key)
  let length = 1
  for (let shift = 2; shift < n; shift++) if (agrees[shift]! > agrees[length]!) length = shift
  const count = n < 2 ? 0 : Math.floor(agrees[length]! / length) + 1
  return count < LEAST ? null : { count, backOf: (index) => Math.floor((n - 1 - index) / length) }
}

/** For each shift how many elements from the beginning agree with those from there on, in linear time. */
function zFunction(n: number, key: (i: number) => number): Int32Array {
  const z = new Int32Array(n)
  let [left, right] = [0, 0]
  for (let i = 1; i < n; i++) {
    let k = i < right ? Math.min(right - i, z[i - left]!) : 0
    while (i + k < n && key(k) === key(i + k)) k++
    z[i] = k
    if (i + k > right) [left, right] = [i, i + k]
  }
  return z
}

/** A step ends where the optimizer's last event is followed by another phase's. */
function byPhase(events: readonly TraceEvent[]): Steps | null {
  const step = new Int32Array(events.length)
  let steps = 0
  for (let i = 1; i < events.length; i++) {
    if (events[i - 1]!.phase === 'optimizer' && events[i]!.phase !== 'optimizer') steps++
    step[i] = steps
  }
  const last = step.at(-1) ?? 0
  // in the first step the optimizer makes its state
  return last < LEAST ? null : { count: last, backOf: (index) => last - step[index]! }
}

import type { Candidate } from './candidate.ts'

/** What a setting costs, each the less the better. */
const costsOf = ({ peak, seconds, parameters }: Candidate): readonly [number, number, number] => [
  peak.blocks,
  seconds,
  -parameters.trainable,
]

/** Those that no other one equals or beats in memory, time and trainable parameters; of equals the one with fewer changes. */
export function front(candidates: readonly Candidate[]): Candidate[] {
  // What is beaten is beaten by one that comes before it.
  const sorted = [...candidates].sort((a, b) => compare(costsOf(a), costsOf(b)) || a.changes - b.changes)
  const best: Candidate[] = []
  for (const c of sorted) {
    const costs = costsOf(c)
    if (!best.some((b) => costsOf(b).every((cost, i) => cost <= costs[i]!))) best.push(c)
  }
  return best
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((cost, i) => cost !== b[i])
  return i < 0 ? 0 : a[i]! - b[i]!
}

import type { MethodResult, Saving } from '../result/compare.ts'
import type { SavedTensor } from '../result/estimate.ts'

/** What each later method saves against each earlier one, and which saved tensors vanished. Two stages of a pipeline keep other tensors, and are not compared. */
export function savingsOf(methods: readonly MethodResult[]): Saving[] {
  const savings: Saving[] = []
  for (let i = 1; i < methods.length; i++) {
    for (let j = i - 1; j >= 0; j--) {
      const [of, against] = [methods[i]!, methods[j]!]
      if (stageOf(of) !== stageOf(against)) continue
      savings.push({
        of: of.method,
        against: against.method,
        saved_bytes: against.estimate.saved_bytes - of.estimate.saved_bytes,
        peak_bytes: against.estimate.peak.bytes - of.estimate.peak.bytes,
        ratio: against.estimate.peak.bytes / of.estimate.peak.bytes,
        because: vanished(against.estimate.saved, of.estimate.saved),
      })
    }
  }
  return savings
}

/** The stage that is shown; none without a pipeline. */
const stageOf = ({ estimate: { ranks } }: MethodResult): number | undefined => (ranks?.stages ? ranks.worst : undefined)

/** Lines of `before` that `after` lacks, by place, shape and number; largest first. */
function vanished(before: readonly SavedTensor[], after: readonly SavedTensor[]): Saving['because'] {
  const key = (s: SavedTensor) => [s.scope, s.op, s.storage_shape, s.dtype].join('|')
  const kept = new Map<string, number>()
  for (const s of after) kept.set(key(s), (kept.get(key(s)) ?? 0) + s.count)
  const rows: Saving['because'] = []
  for (const s of before) {
    const left = kept.get(key(s)) ?? 0
    kept.set(key(s), Math.max(0, left - s.count))
    const count = s.count - Math.min(left, s.count)
    if (count === 0) continue
    const why = s.why.map((w) => `${w.gradient} of ${w.op}`).join(', ')
    rows.push({ scope: s.scope, monomial: s.monomial, bytes: s.bytes, count, why })
  }
  return rows.sort((a, b) => b.bytes * b.count - a.bytes * a.count)
}

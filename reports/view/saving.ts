import type { Saving } from '../../planner/result/compare.ts'
import { formatBytes } from '../../planner/trace/bytes.ts'
import { digits, methodName } from '../words.ts'
import type { MethodView } from './method.ts'

export interface SavingRow {
  readonly scope: string
  readonly monomial: string
  readonly bytes: number
  readonly count: number
  readonly total: number
  readonly why: string
}

/** What one method drops against another. `saved` and `peak` are bytes saved: negative where it needs more. */
export interface SavingView {
  readonly of: string
  readonly against: string
  readonly saved: { readonly before: number; readonly after: number; readonly less: number }
  readonly peak: { readonly before: number; readonly after: number; readonly less: number }
  readonly ratio: number
  readonly rows: readonly SavingRow[]
  readonly dropped: number
  readonly reason: string
}

/** Savings of LoRA-FA against LoRA first: that is the question the tool answers. */
export function savingViews(savings: readonly Saving[], methods: readonly MethodView[]): SavingView[] {
  const order = (s: Saving) => (s.of === 'lora-fa' ? 0 : 2) + (s.against === 'lora' ? 0 : 1)
  return [...savings]
    .sort((a, b) => order(a) - order(b))
    .flatMap((s) => {
      const of = methods.find((m) => m.name === methodName(s.of))
      return of ? [savingView(s, of)] : []
    })
}

function savingView(s: Saving, of: MethodView): SavingView {
  const rows = s.because.map((b) => ({ ...b, total: b.bytes * b.count })).sort((a, b) => b.total - a.total)
  const dropped = rows.reduce((sum, r) => sum + r.total, 0)
  const pair = (pick: (m: MethodView) => number, less: number) => {
    const after = pick(of)
    return { before: after + less, after, less }
  }
  return {
    of: of.name,
    against: methodName(s.against),
    saved: pair((m) => m.saved, s.saved_bytes),
    peak: pair((m) => m.peak.bytes, s.peak_bytes),
    ratio: s.ratio,
    rows,
    dropped,
    reason: reasonOf(s, dropped),
  }
}

function reasonOf(s: Saving, dropped: number): string {
  const count = s.because.reduce((n, b) => n + b.count, 0)
  if (count === 0) return `No saved tensor of ${methodName(s.against)} is missing in ${methodName(s.of)}.`
  const fact = `${digits(count)} saved tensors, ${formatBytes(dropped)}, that ${methodName(s.against)} keeps and ${methodName(s.of)} does not.`
  const onlyInputsOfA = s.because.every((b) => /\bdW of linear\b/.test(b.why) && b.scope.includes('lora_A'))
  if (onlyInputsOfA && s.of.endsWith('-fa'))
    return `${fact} A is frozen, so dA is never computed and the input X of A is not kept; only XA, r wide, stays for dB.`
  return fact
}

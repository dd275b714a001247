import type { StudyRow, Verdict } from '../result/study.ts'

/** Each LoRA-FA against LoRA at its rank, both at their best learning rate. */
export function verdictsOf(rows: readonly StudyRow[]): Verdict[] {
  return rows.flatMap((row) => {
    const lora = rows.find((r) => r.method === 'lora' && r.rank === row.rank)
    if (!row.method.startsWith('lora-fa') || lora === undefined) return []
    const difference = row.validation_loss - lora.validation_loss
    const [own, its] = [row.validation_spread, lora.validation_spread]
    const spread = own === null || its === null ? null : own + its
    const verdict = spread === null ? null : verdictOf(difference, spread)
    return [{ method: row.method, against: 'lora' as const, rank: row.rank, difference, spread, verdict }]
  })
}

function verdictOf(difference: number, spread: number): Verdict['verdict'] {
  if (Math.abs(difference) <= spread) return 'within'
  return difference < 0 ? 'better' : 'worse'
}

import type { StudyRow } from '../result/study.ts'

/**
 * Whether LoRA-FA's validation loss lies within LoRA's seed spread, a sentence each rank and optimizer: the means apart by no more than
 * the sum of the two standard deviations. Of one seed there is no spread, and nothing is claimed.
 */
export function judge(rows: readonly StudyRow[]): string[] {
  return rows.flatMap((row) => {
    const lora = rows.find((r) => r.method === 'lora' && r.rank === row.rank)
    if (!row.method.startsWith('lora-fa') || lora === undefined) return []
    const name = `${row.method} at rank ${row.rank}`
    const apart = row.validation_loss - lora.validation_loss
    if (row.validation_spread === null || lora.validation_spread === null)
      return [`${name}: ${signed(apart)} against LoRA, one seed: no spread to judge it by`]
    const spread = row.validation_spread + lora.validation_spread
    const within = Math.abs(apart) <= spread ? 'within' : apart < 0 ? 'better than' : 'NOT within'
    return [`${name} is ${within} the seed spread of LoRA: ${signed(apart)} ± ${spread.toFixed(4)}`]
  })
}

const signed = (n: number): string => `${n < 0 ? '−' : '+'}${Math.abs(n).toFixed(4)}`

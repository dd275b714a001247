import type { EstimateBody } from '../../planner/result/estimate.ts'
import { rankName } from '../../reports/view/ranks.ts'
import type { Page } from './estimate.ts'
import { padStart, wrap } from './wrap.ts'

/** Every term that is alive at the peak: its bytes and monomial, then where it is and which derivative needs it. */
export function explainText(body: EstimateBody, { bytes, width, paint }: Page): string {
  const terms = [...body.peak.alive].sort((a, b) => b.bytes - a.bytes)
  const size = Math.max(0, ...terms.map((t) => bytes(t.bytes).length))
  const indent = ' '.repeat(width < 60 ? 2 : size + 2)
  const lines = terms.flatMap((t) => {
    const each = t.count === 1 ? t.monomial : `${t.count} × ${t.monomial}`
    const place = t.scope === '' ? `${t.op}, outside any module` : t.scope
    const why = t.why.map((w) => `${w.gradient} of ${w.op}`).join(', ')
    const made = t.category === 'temporary' || t.category === 'gradient' ? `, from ${t.op}` : ''
    const reason = why === '' ? made : `, for ${why}`
    return [
      `${padStart(bytes(t.bytes), size)}  ${each}  ${paint.dim(t.category)}`,
      `${indent}${wrap(`${place}${reason}`, width - indent.length, indent)}`,
    ]
  })
  const { ranks } = body
  const whose = ranks ? ` of ${rankName(ranks, ranks.worst)} of ${ranks.gpus}, ${ranks.strategy}` : ''
  return [paint.dim(`alive at the peak${whose}`), ...lines].join('\n')
}

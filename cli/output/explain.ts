import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { Page } from './estimate.ts'
import { table } from './table.ts'

const LEFT = 'left'
const RIGHT = 'right'

/** Every term that is alive at the peak: its bytes, its monomial, and the derivative that needs it. */
export function explainText(body: EstimateBody, { bytes, width, paint }: Page): string {
  const rows = [...body.peak.alive]
    .sort((a, b) => b.bytes * b.count - a.bytes * a.count)
    .map((a) => [
      bytes(a.bytes * a.count),
      `${a.count} × ${a.monomial}`,
      a.category,
      a.scope === '' ? `(loss) ${a.op}` : a.scope,
      a.why.map((w) => `${w.gradient} of ${w.op}`).join(', '),
    ])
  const columns = [
    { head: 'bytes', align: RIGHT },
    { head: 'count × each', align: RIGHT },
    { head: 'category', align: LEFT },
    { head: 'where', align: LEFT },
    { head: 'needed for', align: LEFT },
  ] as const
  return `${paint.dim('alive at the peak')}\n${table(columns, rows, width)}`
}

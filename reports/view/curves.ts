import type { StudyRow, StudyRun } from '../../planner/result/study.ts'
import { methodName } from '../words.ts'
import { loss, percent } from './verdict.ts'

/** A method's validation over its training: the mean of the seeds, and the lowest and highest of them. */
export interface Curve {
  readonly method: string
  readonly name: string
  readonly points: readonly {
    readonly step: number
    readonly mean: number
    readonly low: number
    readonly high: number
  }[]
  /** The last mean, in words. */
  readonly last: string
}

export interface CurvesView {
  readonly curves: readonly Curve[]
  /** What is reached without learning; null where there is no such figure. */
  readonly floor: { readonly at: number; readonly label: string } | null
  /** How the vertical axis writes its numbers (d3-format). */
  readonly numbers: '.2f' | '.0%'
}

/** What validation is measured by. */
export type Metric = 'loss' | 'accuracy'

/** The curves of some rows of a summary: each at the learning rate that was chosen for it. */
export function curvesOf(
  rows: readonly StudyRow[],
  runs: readonly StudyRun[],
  metric: Metric,
  floor: CurvesView['floor'] = null,
): CurvesView {
  const words = metric === 'loss' ? loss : percent
  const curves = rows.map((row) => {
    const own = runs.filter(
      (r) => r.method === row.method && r.rank === row.rank && r.learning_rate === row.learning_rate,
    )
    const points = own[0]!.curve.map(({ step }, i) => {
      const values = own.flatMap((r) => r.curve[i]?.validation[metric] ?? [])
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length
      return { step, mean, low: Math.min(...values), high: Math.max(...values) }
    })
    return { method: row.method, name: methodName(row.method), points, last: words(points.at(-1)!.mean) }
  })
  return { curves, floor, numbers: metric === 'loss' ? '.2f' : '.0%' }
}

export const nameOf = ({ method, rank }: Pick<StudyRow, 'method' | 'rank'>): string =>
  rank === null ? methodName(method) : `${methodName(method)} r${rank}`

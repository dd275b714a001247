import type { Chart } from '../charts/chart.ts'
import { curvesChart } from '../charts/curves.ts'
import { heatMapChart } from '../charts/heat-map.ts'
import { scatterChart } from '../charts/scatter.ts'
import type { Size } from '../charts/style.ts'
import type { StudyView } from '../view/study.ts'
import { heatOf } from '../view/sweep.ts'

/** A study's charts by name; none of a study without a finished training. */
export function studyCharts({ points, curves, sweep, body }: StudyView): Map<string, (size: Size) => Chart> {
  const all = new Map<string, (size: Size) => Chart>()
  if (points.length > 0) all.set('quality', (size) => scatterChart(points, size))
  for (const { rank, loss, accuracy } of curves) {
    all.set(`curves:${rank ?? 'full'}`, (size) => curvesChart(loss, size))
    if (accuracy !== null) all.set(`accuracy:${rank ?? 'full'}`, (size) => curvesChart(accuracy, size))
  }
  if (sweep.length > 0) all.set('sweep', (size) => heatMapChart(heatOf(sweep, body.base.validation.loss), size))
  return all
}

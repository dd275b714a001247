import type { Chart } from '../charts/chart.ts'
import { sharedScale } from '../charts/geometry.ts'
import { heatMapChart } from '../charts/heat-map.ts'
import { overlayChart } from '../charts/overlay.ts'
import { partsChart } from '../charts/parts.ts'
import { scatterChart } from '../charts/scatter.ts'
import type { Size } from '../charts/style.ts'
import { timelineChart } from '../charts/timeline.ts'
import type { Theme } from '../page/theme.ts'
import { standalone } from '../paint.ts'
import { drawSvg } from '../svg.ts'
import { type PlanView, planView } from '../view/plan.ts'
import { studyView } from '../view/study.ts'
import { isPlan, isStudy, type Reportable, type ReportView, viewOf } from '../view-model.ts'
import { studyCharts } from './study-charts.ts'

export interface SvgOptions {
  readonly theme?: Theme
  readonly size?: Size
}

/**
 * The charts that a result has, the first being the one that is drawn where none is named: `parts`, `timeline:LoRA-FA`, of executed steps
 * `executed` and `executed:LoRA-FA`; with --matrix `matrix`; of a study `quality`, `curves:8` (of rank 8), `accuracy:8`, `sweep`; of a plan `front`.
 */
export const chartNames = (result: Reportable): string[] => [...chartsOf(result).keys()]

/**
 * One chart as an SVG that stands alone: its own paper, no style sheet, no font file.
 *
 * @throws RangeError naming the charts there are, if `name` is none of them
 */
export async function renderSvg(result: Reportable, name?: string, options: SvgOptions = {}): Promise<string> {
  const found = chartsOf(result)
  const which = name ?? [...found.keys()][0] ?? ''
  const chart = found.get(which)
  if (chart === undefined)
    throw new RangeError(`no chart is called ${which}; this result has ${[...found.keys()].join(', ')}`)
  const svg = await drawSvg(chart(options.size ?? 'wide'), 'c')
  return `${standalone(svg, options.theme ?? 'light')}\n`
}

const chartsOf = (result: Reportable): Map<string, (size: Size) => Chart> =>
  isStudy(result)
    ? studyCharts(studyView(result))
    : isPlan(result)
      ? planCharts(planView(result))
      : charts(viewOf(result))

function charts(view: ReportView): Map<string, (size: Size) => Chart> {
  const all = new Map<string, (size: Size) => Chart>([['parts', (size) => partsChart(view.bars, size)]])
  const scale = sharedScale(view.methods.map((m) => m.timeline.peak?.bytes ?? 0))
  for (const m of view.methods) all.set(`timeline:${m.name}`, (size) => timelineChart(m.timeline, scale, size))
  const { matrix, proofBars, proofs } = view
  if (matrix !== null) all.set('matrix', (size) => heatMapChart(matrix.heat, size))
  if (proofBars !== null) all.set('executed', (size) => partsChart(proofBars, size))
  const ran = sharedScale(proofs.flatMap((p) => [p.method.timeline, p.measured].map((t) => t.peak?.bytes ?? 0)))
  for (const p of proofs)
    all.set(`executed:${p.method.name}`, (size) => overlayChart(p.method.timeline, p.measured, ran, size))
  return all
}

/** None of a plan in which nothing was searched for, or nothing fits. */
const planCharts = ({ points }: PlanView): Map<string, (size: Size) => Chart> =>
  new Map(points.length === 0 ? [] : [['front', (size: Size) => scatterChart(points, size)]])

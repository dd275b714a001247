import type { Chart } from '../charts/chart.ts'
import { sharedScale } from '../charts/geometry.ts'
import { overlayChart } from '../charts/overlay.ts'
import { partsChart } from '../charts/parts.ts'
import type { Size } from '../charts/style.ts'
import { timelineChart } from '../charts/timeline.ts'
import type { Theme } from '../page/theme.ts'
import { standalone } from '../paint.ts'
import { drawSvg } from '../svg.ts'
import { type ReportResult, type ReportView, viewOf } from '../view-model.ts'

export interface SvgOptions {
  readonly theme?: Theme
  readonly size?: Size
}

/** The charts that a result has: `parts`, `timeline:LoRA-FA`, and of executed steps `executed` and `executed:LoRA-FA`. */
export function chartNames(result: ReportResult): string[] {
  return [...charts(viewOf(result)).keys()]
}

/**
 * One chart as an SVG that stands alone: its own paper, no style sheet, no font file.
 *
 * @throws RangeError naming the charts there are, if `which` is none of them
 */
export async function renderSvg(result: ReportResult, which = 'parts', options: SvgOptions = {}): Promise<string> {
  const found = charts(viewOf(result))
  const chart = found.get(which)
  if (chart === undefined)
    throw new RangeError(`no chart is called ${which}; this result has ${[...found.keys()].join(', ')}`)
  const svg = await drawSvg(chart(options.size ?? 'wide'), 'c')
  return `${standalone(svg, options.theme ?? 'light')}\n`
}

function charts(view: ReportView): Map<string, (size: Size) => Chart> {
  const all = new Map<string, (size: Size) => Chart>([['parts', (size) => partsChart(view.bars, size)]])
  const scale = sharedScale(view.methods.map((m) => m.timeline.peak?.bytes ?? 0))
  for (const m of view.methods) all.set(`timeline:${m.name}`, (size) => timelineChart(m.timeline, scale, size))
  const { proofBars, proofs } = view
  if (proofBars !== null) all.set('executed', (size) => partsChart(proofBars, size))
  const ran = sharedScale(proofs.flatMap((p) => [p.method.timeline, p.measured].map((t) => t.peak?.bytes ?? 0)))
  for (const p of proofs)
    all.set(`executed:${p.method.name}`, (size) => overlayChart(p.method.timeline, p.measured, ran, size))
  return all
}

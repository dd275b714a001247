import { formatBytes } from '../../planner/trace/bytes.ts'
import { partsChart } from '../charts/parts.ts'
import { GROUPS, PALETTE } from '../palette.ts'
import type { BarRow, BarsView } from '../view/bars.ts'
import { bytes, bytesIn, number, swatch } from './cells.ts'
import { figure } from './figure.ts'
import { html, type Markup } from './markup.ts'

/** The bars of the peaks' parts, and the same figures as a table, whose heads are the key to the colours. */
export function barsFigure(id: string, bars: BarsView): Markup {
  const groups = GROUPS.filter((g) => bars.rows.some((r) => r.parts.some((p) => p.group === g && p.bytes > 0)))
  const measured = bars.rows.some((r) => r.measured !== null)
  const words = bars.rows.map((r) => `${r.name} ${formatBytes(r.total)} at ${r.at}`).join(', ')
  const of = (row: BarRow, group: string) => row.parts.find((p) => p.group === group)?.bytes ?? 0
  const last = (r: BarRow) => (r.measured === null ? html`<td></td>` : number(bytes(r.measured, bars.unit)))
  const rows = bars.rows.map(
    (r) => html`<tr><th scope="row">${r.name}</th>${groups.map((g) => number(bytesIn(of(r, g), bars.unit)))}
${number(html`<b>${bytes(r.total, bars.unit)}</b>`)}${measured ? last(r) : null}</tr>
`,
  )
  const heads = [
    html`<th scope="col">method</th>`,
    groups.map((g) => html`<th scope="col" class="n">${swatch(g)}${PALETTE[g].label}</th>`),
    html`<th scope="col" class="n">peak</th>`,
    measured ? html`<th scope="col" class="n"><span class="key dot"></span>measured</th>` : null,
  ]
  return html`${figure({
    id,
    caption: measured
      ? html`Bars: predicted, in ${bars.unit}. <span class="key dot"></span>measured.`
      : `Figures in the bars are ${bars.unit}.`,
    label: `Stacked bars, live bytes at the peak: ${words}`,
    describedBy: `${id}-t`,
    chart: (size) => partsChart(bars, size),
  })}<div class="scroll" role="region" aria-label="The parts of the peak in numbers" tabindex="0"><table id="${id}-t">
<thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>
`
}

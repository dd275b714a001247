import { formatBytes } from '../../planner/trace/bytes.ts'
import { PHASES } from '../../planner/trace/event.ts'
import { sharedScale } from '../charts/geometry.ts'
import { timelineChart } from '../charts/timeline.ts'
import type { MethodView } from '../view/method.ts'
import type { ReportView } from '../view-model.ts'
import { barsFigure } from './bars.ts'
import { bytes, cell, code, number, table } from './cells.ts'
import { figure } from './figure.ts'
import { instantPanel } from './instant.ts'
import { html, type Markup } from './markup.ts'

/** The parts of the peak: bars, and the same figures as a table that is also the key to the colours. */
export function peakSection(view: ReportView): Markup {
  return html`<section id="${view.id}peak"><h2>What the peak is made of</h2>
<p class="basis">Live bytes at the highest instant of a steady step · simulated for ${view.stack}</p>
${barsFigure(`${view.id}bars`, view.bars)}
</section>
`
}

/** Live bytes through the step, a chart a method on one scale, and the peaks of the phases as a table. */
export function timelineSection(view: ReportView): Markup {
  const scale = sharedScale(view.methods.map((m) => m.timeline.peak?.bytes ?? 0))
  const figures = view.methods.map((m) => [
    figure({
      id: `${m.id}-timeline`,
      caption: html`<b>${m.name}</b>`,
      label: `Live bytes of ${m.name} through the step: ${phaseWords(m)}. Highest at ${m.peak.at} with ${formatBytes(m.peak.bytes)}.`,
      describedBy: `${view.id}phases`,
      chart: (size) => timelineChart(m.timeline, scale, size),
    }),
    instantPanel(m),
  ])
  return html`<section id="${view.id}timeline"><h2>Live bytes through the step</h2>
<p class="basis">Steady step · simulated for ${view.stack} · from left to right the step’s allocations and releases in their order, not time</p>
${figures}
${phaseTable(view)}
</section>
`
}

const place = (r: MethodView['steady'][number]): Markup =>
  html`${code(r.at)}${r.scope === '' ? null : html` <span class="muted">in</span> ${code(r.scope)}`}`

const phaseWords = (m: MethodView): string => m.steady.map((p) => `${p.phase} up to ${formatBytes(p.peak)}`).join(', ')

function phaseTable({ id, methods }: ReportView): Markup {
  const row = (m: MethodView, step: string, rows: MethodView['steady'], first: boolean) =>
    html`<tr>${first ? html`<th scope="row">${m.name}</th>` : cell('')}${cell(step)}${PHASES.map((p) => {
      const r = rows.find((x) => x.phase === p)
      return r === undefined ? html`<td></td><td></td>` : html`${number(bytes(r.peak))}${cell(place(r))}`
    })}</tr>
`
  return table({
    id: `${id}phases`,
    caption: 'Highest live bytes of each phase. The first step has no optimizer state yet.',
    columns: [
      { name: 'method' },
      { name: 'step' },
      ...PHASES.flatMap((p) => [{ name: p, numeric: true }, { name: 'at' }]),
    ],
    rows: html`<tbody>${methods.map((m) => [row(m, 'steady', m.steady, true), row(m, 'first', m.first, false)])}</tbody>`,
  })
}

import { sideBySideBars } from '../view/side-by-side.ts'
import type { ReportView } from '../view-model.ts'
import { changeWords } from '../words.ts'
import { barsFigure } from './bars.ts'
import { bytes, cell, number, signed, table } from './cells.ts'
import { html, type Markup } from './markup.ts'

/** Several results side by side: which they are, their peaks on one scale, and each method in a row. */
export function overview(views: readonly ReportView[]): Markup {
  const [first] = views
  const rows = views.map((view, i) =>
    view.methods.map((m, k) => {
      const same = first?.methods.find((other) => other.name === m.name)
      const change = i === 0 || same === undefined ? '' : changeWords(same.peak.bytes, m.peak.bytes)
      return html`<tr><th scope="row">${i + 1} ${m.name}</th>${number(bytes(m.peak.bytes))}${number(change)}${number(bytes(m.saved))}${cell(m.peak.at)}${number(m.fit === null ? '' : signed(m.fit.margin_bytes))}${cell(k === 0 ? html`<a href="#${view.id}head">${view.model}</a> <span class="muted">${view.setting} · ${view.stack}</span>` : '')}</tr>`
    }),
  )
  return html`<section id="side-by-side" class="answer"><h1 class="lead">${views.length} results side by side</h1>
<p class="basis">Live bytes at the highest instant of a steady step, simulated</p>
${barsFigure('side', sideBySideBars(views))}
${table({
  id: 'side-rows',
  caption: 'Change: of the peak, against the same method of the first result',
  columns: [
    { name: 'method' },
    { name: 'peak', numeric: true },
    { name: 'change', numeric: true },
    { name: 'saved', numeric: true },
    { name: 'at' },
    { name: 'left', numeric: true },
    { name: 'result' },
  ],
  rows: html`<tbody>${rows}</tbody>`,
})}</section>`
}

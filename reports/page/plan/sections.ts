import type { PlanView } from '../../view/plan.ts'
import { digits } from '../../words.ts'
import { answerSection } from '../answer.ts'
import { cell, number, table } from '../cells.ts'
import { html, type Markup } from '../markup.ts'
import { assumedTable, copyable, DOWNLOADS, warningList } from '../trust.ts'
import { frontSection } from './front.ts'

/** A plan from answer to evidence. */
export const planSections = (view: PlanView): Markup =>
  html`<header id="${view.id}head">${view.id === '' ? html`<h1><b>${view.model}</b> · ${view.setting}</h1>` : html`<h2><b>${view.model}</b> · ${view.setting}</h2>`}<div>${view.stack}</div></header>${answerSection(view)}${frontSection(view)}${maximaSection(view)}${trustSection(view)}`

function maximaSection({ id, body: { maxima } }: PlanView): Markup | null {
  if (maxima.length === 0) return null
  const rows = maxima.map(
    ({ knob, value, because }) =>
      html`<tr><th scope="row">${knob}</th>${number(value === null ? 'none' : digits(value), value)}${cell(because)}</tr>\n`,
  )
  return html`<section id="${id}maxima"><h2>How far each size goes</h2>
<p class="basis">By bisection on the simulated device, all else as it was asked for</p>
${table({
  id: `${id}maxima-t`,
  fit: true,
  caption: 'The largest that fits, and one more does not',
  columns: [{ name: 'size' }, { name: 'largest', numeric: true }, { name: 'because' }],
  rows: html`<tbody>${rows}</tbody>`,
})}</section>
`
}

function trustSection(view: PlanView): Markup {
  const basis = view.body.search?.time_basis
  return html`<section id="${view.id}trust"><h2>Assumptions and how to reproduce</h2>
${warningList(view)}<h3>Reproduce</h3>
${copyable(`${view.id}command`, 'the command', view.command)}
${DOWNLOADS}${assumedTable(view)}<p class="muted">Bytes are simulated: blocks of the allocator at the highest instant; a setting fits where its steps succeed on the replayed allocator of the device.${basis === undefined ? '' : ` Times are by that of the setting asked for, by a ${basis}; none is measured.`}</p>
</section>
`
}

import { formatBytes } from '../../planner/trace/bytes.ts'
import type { SavingRow, SavingView } from '../view/saving.ts'
import type { ReportView } from '../view-model.ts'
import { changeWords, unbroken } from '../words.ts'
import { bytes, cell, code, number, table } from './cells.ts'
import { folded } from './folded.ts'
import { html, type Markup } from './markup.ts'

/** What the first saving (LoRA-FA against LoRA) drops, by module; the other pairs folded away. */
export function savingsSection(view: ReportView): Markup | null {
  const [main, ...others] = view.savings
  if (main === undefined) return null
  return html`<section id="${view.id}savings"><h2>What ${main.of} drops against ${main.against}</h2>
<p class="basis">Saved tensors: what autograd keeps from forward to backward · simulated for ${view.stack}</p>
${pair(main, `${view.id}s0`)}
${others.map((s, i) =>
  folded({
    id: `${view.id}s${i + 1}-d`,
    summary: `${s.of} against ${s.against}`,
    aside: `saved ${changeWords(s.saved.before, s.saved.after)}, peak ${changeWords(s.peak.before, s.peak.after)}`,
    body: () => pair(s, `${view.id}s${i + 1}`),
  }),
)}</section>
`
}

function pair(s: SavingView, id: string): Markup {
  return html`<p>${unbroken(s.reason)}</p>
<p>${change('Saved', s.saved)} ${change('Peak', s.peak)} ${times(s)}</p>
${s.rows.length === 0 ? null : becauseTable(s, id)}`
}

/** Said only where two decimals show a difference. */
const times = (s: SavingView): string =>
  s.ratio.toFixed(2) === '1.00' ? '' : `${s.against}’s peak is ${s.ratio.toFixed(2)} times that of ${s.of}.`

const change = (what: string, c: SavingView['peak']): Markup =>
  html`${what}: ${bytes(c.before)} → ${bytes(c.after)} (${changeWords(c.before, c.after)}${c.less < 0 ? `, ${formatBytes(-c.less)} more` : ''}).`

function becauseTable(s: SavingView, id: string): Markup {
  const row = (
    r: SavingRow,
  ) => html`<tr>${number(bytes(r.total), r.total)}${cell(code(r.scope))}${cell(code(r.monomial))}${number(bytes(r.bytes), r.bytes)}${number(r.count, r.count)}${cell(r.why)}</tr>
`
  return table({
    id,
    caption: `Kept under ${s.against}, not under ${s.of}`,
    sortable: true,
    tall: s.rows.length > 14,
    columns: [
      { name: 'together', numeric: true },
      { name: 'module' },
      { name: 'formula of one' },
      { name: 'one', numeric: true },
      { name: 'count', numeric: true },
      { name: `kept for` },
    ],
    rows: html`<tbody>${s.rows.map(row)}</tbody><tfoot><tr>${number(bytes(s.dropped))}<th scope="row" colspan="5">dropped</th></tr></tfoot>`,
  })
}

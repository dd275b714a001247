import { formatBytes } from '../../../planner/trace/bytes.ts'
import { scatterChart } from '../../charts/scatter.ts'
import type { OptionView, PlanView } from '../../view/plan.ts'
import { digits, methodName } from '../../words.ts'
import { bytes, cell, number, signed, table } from '../cells.ts'
import { figure } from '../figure.ts'
import { folded } from '../folded.ts'
import { html, type Markup } from '../markup.ts'
import { methodSwatch } from '../study/swatch.ts'
import { copyable } from '../trust.ts'

/** The settings that fit and that no other beats; null where none was searched for or none fits. */
export function frontSection(view: PlanView): Markup | null {
  const { id, options, points, body } = view
  if (options.length === 0 || body.search === null) return null
  const words = points.map((p) => `${p.name} ${formatBytes(p.bytes)}, × ${p.loss.toFixed(2)}`).join('; ')
  return html`<section id="${id}front"><h2>What fits</h2>
<p class="basis">Allocated bytes at the peak, simulated · time by that of the setting asked for, a formula · ${digits(body.search.searched)} settings searched, ${digits(body.search.possible)} whose blocks leave room; no other beats these in memory, time and trained parameters</p>
${figure({
  id: `${id}front-c`,
  caption: 'Time over allocated bytes; the lower and the further left, the better. Numbers are those of the table.',
  label: `Allocated bytes and relative time of each setting that fits: ${words}`,
  describedBy: `${id}front-t`,
  chart: (size) => scatterChart(points, size),
})}${frontTable(id, options)}
<h3>The settings, for --config</h3>
${options.map((o) =>
  folded({
    id: `${id}option${o.number}-d`,
    summary: `${o.number} ${methodName(o.method)}`,
    aside: o.steps.map((s) => s.change).join(', ') || 'as it was asked for',
    body: () => copyable(`${id}option${o.number}`, 'the JSON', o.json),
  }),
)}</section>
`
}

function frontTable(id: string, options: readonly OptionView[]): Markup {
  const rows = options.map(
    (o) =>
      html`<tr>${number(String(o.number), o.number)}<th scope="row">${methodSwatch(o.method)}${methodName(o.method)}</th>${number(bytes(o.bytes), o.bytes)}${number(`× ${o.time.toFixed(2)}`, o.time)}${number(digits(o.trains), o.trains)}${cell(changes(o))}</tr>\n`,
  )
  return table({
    id: `${id}front-t`,
    sortable: true,
    caption: 'Fewest changes first; the number is what --pick takes',
    columns: [
      { name: '#', numeric: true },
      { name: 'method' },
      { name: 'allocated', numeric: true },
      { name: 'time', numeric: true },
      { name: 'trains', numeric: true },
      { name: 'changes, and what each does' },
    ],
    rows: html`<tbody>${rows}</tbody>`,
  })
}

const changes = ({ steps }: OptionView): Markup =>
  steps.length === 0
    ? html`as it was asked for`
    : html`${steps.map((s, i) => html`${i === 0 ? null : html`<br>`}<span class="whole">${s.change}: ${signed(s.bytes)}${s.time === '' ? '' : `, ${s.time}`}</span>`)}`

import { formatBytes } from '../../planner/trace/bytes.ts'
import { focusOf } from '../view/answer.ts'
import type { MethodView } from '../view/method.ts'
import type { ReportView } from '../view-model.ts'
import { digits } from '../words.ts'
import { bytes, cell, code, number, table } from './cells.ts'
import { folded } from './folded.ts'
import { lawBlock } from './law.ts'
import { html, type Markup } from './markup.ts'
import { modulesFigure } from './modules.ts'

/** Why the peak is what it is: its law, all that lives at that instant, all that is saved and for which derivative. */
export function whySection(view: ReportView): Markup {
  const focus = focusOf(view.methods)
  const open = view.methods.length === 1
  return html`<section id="${view.id}why"><h2>Why: the peak by module, its law, and what is saved</h2>
<p class="basis">Live and saved bytes of a steady step · simulated for ${view.stack}${dimensions(view)}</p>
${[focus, ...view.methods.filter((m) => m !== focus)].map((m) =>
  open
    ? body(m)
    : folded({
        id: `${m.id}-why`,
        summary: m.name,
        aside: `peak ${formatBytes(m.peak.bytes)}, saved ${formatBytes(m.saved)}`,
        open: m === focus,
        body: () => body(m),
      }),
)}</section>
`
}

const dimensions = (view: ReportView): string =>
  view.dimensions.length === 0 ? '' : ` · ${view.dimensions.map(([symbol, size]) => `${symbol} ${size}`).join(', ')}`

function body(m: MethodView): Markup {
  const { total, trainable, trainable_tensors } = m.parameters
  return html`<p>${digits(trainable)} of ${digits(total)} parameters train, in ${digits(trainable_tensors)} tensors. The peak is at ${m.peak.place}.</p>
${modulesFigure(m)}${lawBlock(m)}${savedTable(m)}`
}

function savedTable(m: MethodView): Markup {
  const rows = m.savedRows.map(
    (
      s,
    ) => html`<tr>${number(bytes(s.total), s.total)}${cell(code(s.scope))}${cell(code(s.op))}${cell(s.shape.replaceAll(' ', '\u00a0'))}${cell(s.dtype)}${cell(code(s.monomial))}${number(bytes(s.bytes), s.bytes)}${number(s.count, s.count)}${cell(s.why)}</tr>
`,
  )
  return table({
    id: `${m.id}-saved`,
    caption: `Saved by autograd from forward to backward under ${m.name}: ${formatBytes(m.saved)} in ${m.savedRows.length} kinds`,
    sortable: true,
    tall: rows.length > 14,
    columns: [
      { name: 'together', numeric: true },
      { name: 'module' },
      { name: 'made by' },
      { name: 'storage' },
      { name: 'dtype' },
      { name: 'formula of one' },
      { name: 'one', numeric: true },
      { name: 'count', numeric: true },
      { name: 'why' },
    ],
    rows: html`<tbody>${rows}</tbody>`,
  })
}

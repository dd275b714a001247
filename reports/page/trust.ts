import type { ReportView } from '../view-model.ts'
import { cell, code, table } from './cells.ts'
import { html, type Markup } from './markup.ts'

/** What was assumed, where it ran, how to get the same again, and what to be wary of. */
export function trustSection(view: ReportView): Markup {
  const rows = view.assumptions.map(
    (a) => html`<tr>${cell(code(a.what))}${cell(a.value)}${cell(a.from)}</tr>
`,
  )
  return html`<section id="${view.id}trust"><h2>Assumptions and how to reproduce</h2>
${
  view.warnings.length === 0
    ? null
    : html`<h3 id="${view.id}warnings">Warnings</h3><ul>${view.warnings.map((w) => html`<li>${w}</li>`)}</ul>
`
}<h3>Command</h3>
<pre>${view.command}</pre>
${
  rows.length === 0
    ? null
    : html`<h3>Assumed</h3>
${table({ id: `${view.id}assumed`, caption: 'Defaults that the stack or the tool chose', columns: [{ name: 'what' }, { name: 'value' }, { name: 'from' }], rows: html`<tbody>${rows}</tbody>` })}`
}
${environment(view)}<p class="muted">Simulated: every allocation of the step on a model of the stack, without numbers. Measured: read from the engine’s storages while the step ran. Units are binary: 1 GiB is 2³⁰ bytes; tables carry the exact integers.</p>
</section>
`
}

function environment(view: ReportView): Markup | null {
  if (view.environment.length === 0) return null
  return html`<h3>Environment of the executed steps</h3>
<dl>${view.environment.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
`
}

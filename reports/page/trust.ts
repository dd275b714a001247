import type { ReportView } from '../view-model.ts'
import { code as asCode, cell, table } from './cells.ts'
import { folded } from './folded.ts'
import { html, type Markup } from './markup.ts'

/** What was assumed, where it ran, how to get the same again, and what to be wary of. */
export function trustSection(view: ReportView): Markup {
  const { reproduce } = view
  const { code } = reproduce
  return html`<section id="${view.id}trust"><h2>Assumptions and how to reproduce</h2>
${warningList(view)}<h3>Reproduce</h3>
${copyable(`${view.id}command`, 'the command', reproduce.command)}
${folded({
  id: `${view.id}setting-d`,
  summary: 'The setting as JSON',
  aside: 'for --config',
  body: () => copyable(`${view.id}setting`, 'the JSON', reproduce.setting),
})}
${
  code === null
    ? null
    : folded({
        id: `${view.id}code-d`,
        summary: 'The setting in PEFT',
        body: () => copyable(`${view.id}code`, 'the code', code),
      })
}${DOWNLOADS}
${assumedTable(view)}
${environment(view)}<p class="muted">Simulated: every allocation of the step on a model of the stack, without numbers. Measured: read from the engine’s storages while the step ran. Units are binary: 1 GiB is 2³⁰ bytes; tables carry the exact integers.</p>
</section>
`
}

/** Every warning; null where there is none. */
export const warningList = ({ id, warnings }: Pick<ReportView, 'id' | 'warnings'>): Markup | null =>
  warnings.length === 0
    ? null
    : html`<h3 id="${id}warnings">Warnings</h3><ul>${warnings.map((w) => html`<li>${w}</li>`)}</ul>
`

export const DOWNLOADS = html`<p class="script-only"><button type="button" data-do="json">download JSON</button> <button type="button" data-do="csv">download CSV</button></p>`

export function assumedTable({ id, assumptions }: Pick<ReportView, 'id' | 'assumptions'>): Markup | null {
  if (assumptions.length === 0) return null
  const rows = assumptions.map(
    (a) => html`<tr>${cell(asCode(a.what))}${cell(a.value)}${cell(a.from)}</tr>
`,
  )
  return html`<h3>Assumed</h3>
${table({ id: `${id}assumed`, caption: 'Defaults that the stack or the tool chose', columns: [{ name: 'what' }, { name: 'value' }, { name: 'from' }], rows: html`<tbody>${rows}</tbody>` })}`
}

export const copyable = (id: string, what: string, text: string): Markup =>
  html`<div class="copyable"><pre id="${id}">${text}</pre><button type="button" class="script-only" data-do="copy" data-of="${id}">copy ${what}</button></div>`

function environment(view: ReportView): Markup | null {
  if (view.environment.length === 0) return null
  return html`<h3>Environment of the executed steps</h3>
<dl>${view.environment.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
`
}

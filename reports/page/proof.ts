import type { ProofRow, ProofView } from '../view/proof.ts'
import type { ReportView } from '../view-model.ts'
import { cell, exact, number, signed, table } from './cells.ts'
import { html, type Markup } from './markup.ts'

/** Every tier and instant of each step: predicted, measured, difference, verdict. */
export function proofTable({ id, proofs }: ReportView): Markup {
  const bodies = proofs.map(
    (
      p,
    ) => html`<tbody><tr class="group"><th colspan="6" scope="rowgroup">${p.method.name} <span>${p.equal} of ${p.compared} equal</span></th></tr>
${p.rows.map(proofRow)}</tbody>
`,
  )
  return table({
    id: `${id}proof`,
    fit: true,
    caption: 'Every byte, predicted and measured',
    columns: [
      { name: 'tier' },
      { name: 'instant' },
      { name: 'predicted (simulated)', numeric: true },
      { name: 'measured', numeric: true },
      { name: 'difference', numeric: true },
      { name: 'verdict' },
    ],
    rows: bodies,
  })
}

const proofRow = (
  r: ProofRow,
): Markup => html`<tr>${cell(r.tier)}${cell(r.phase)}${number(r.predicted === null ? html`<span class="muted">not predicted</span>` : exact(r.predicted))}${number(exact(r.measured))}${number(r.difference === null ? '' : signed(r.difference))}${cell(verdict(r))}</tr>
`

const verdict = (r: ProofRow): Markup =>
  r.proved
    ? html`<span class="ok">✓ equal</span>`
    : r.predicted === null
      ? html`${r.verdict}`
      : html`<span class="bad">✗ ${r.verdict}</span>`

/** What was proved of each step before its bytes counted; all steps answer the same questions. */
export function checksTable({ id, proofs }: ReportView): Markup {
  const rows = proofs[0]!.checks.map(
    ({ what }, i) => html`<tr>${cell(what)}${proofs.map((p) => cell(check(p.checks[i]!)))}</tr>
`,
  )
  const unsound = proofs.filter((p) => !p.sound)
  return html`<h3>Is the step right?</h3>
${table({
  id: `${id}checks`,
  fit: true,
  caption: 'Checked before a byte of the run counts',
  columns: [{ name: 'check' }, ...proofs.map((p) => ({ name: p.method.name }))],
  rows: html`<tbody>${rows}</tbody>`,
})}${unsound.map(
  (
    p,
  ) => html`<p class="note">${p.method.name}: a memory figure from a step that is not right proves nothing, so none of this run’s counts as equal.</p>
`,
)}`
}

const check = (c: ProofView['checks'][number]): Markup =>
  html`<span class="${c.passed ? 'ok' : 'bad'}">${c.passed ? '✓ yes' : '✗ no'}</span>${c.detail === '' ? null : html` <span class="muted">${c.detail}</span>`}`

/** What the real stack has and these runs do not show. */
export function notExercised(proofs: readonly ProofView[]): Markup | null {
  const items = [...new Set(proofs.flatMap((p) => p.notExercised))]
  if (items.length === 0) return null
  return html`<h3>What the run does not exercise</h3>
<ul>${items.map((i) => html`<li>${i}</li>`)}</ul>
`
}

import { heatMapChart } from '../charts/heat-map.ts'
import type { MatrixView } from '../view/matrix.ts'
import type { ReportView } from '../view-model.ts'
import { columnBytes, unbroken } from '../words.ts'
import { bytes, number, table } from './cells.ts'
import { figure } from './figure.ts'
import { folded } from './folded.ts'
import { html, type Markup } from './markup.ts'

/** Methods by what they are combined with: colour and figures, then the numbers and what freezing A is worth; null without a matrix. */
export function matrixSection({ id, matrix, stack }: ReportView): Markup | null {
  if (matrix === null) return null
  return html`<section id="${id}matrix"><h2>What LoRA-FA combines with</h2>
<p class="basis">Peak of live tensors · simulated for ${stack} · the setting as it was written, one thing changed at a time</p>
${figure({
  id: `${id}matrix-heat`,
  caption: `The stronger the colour, the lower the peak; one scale for all. The lowest of each grid has a frame; — is refused.`,
  label: `Peak by method and what it is combined with; the lowest is ${matrix.lowest}`,
  describedBy: `${id}matrix-t`,
  chart: (size) => heatMapChart(matrix.heat, size),
})}${gains(id, matrix)}${matrix.recomputation === null ? null : html`<p>${unbroken(matrix.recomputation)}</p>`}
${folded({ id: `${id}matrix-d`, summary: 'In numbers', body: () => peaks(id, matrix) })}${refusals(id, matrix)}</section>
`
}

/** Below this share of the peak a method is not worth choosing for its memory. */
const LITTLE = 0.05

function gains(id: string, { rows }: MatrixView): Markup | null {
  const pairs = [...new Set(rows.flatMap((r) => r.gains.map((g) => g.of)))]
  if (pairs.length === 0) return null
  const cells = (row: MatrixView['rows'][number]) =>
    pairs.map((of) => {
      const gain = row.gains.find((g) => g.of === of)
      if (gain === undefined) return html`${number('')}${number('')}`
      const share = `${(100 * gain.share).toFixed(Math.abs(gain.share) < 0.1 ? 1 : 0)} %`
      return html`${number(bytes(gain.bytes), gain.bytes)}${number(gain.share < LITTLE ? html`<span class="muted">little:</span> ${share}` : share, gain.share)}`
    })
  return table({
    id: `${id}matrix-g`,
    sortable: true,
    caption: 'What freezing A saves of the peak',
    columns: [
      { name: 'combined with' },
      ...pairs.flatMap((of) => [
        { name: of, numeric: true },
        { name: `of ${against(rows, of)}’s peak`, numeric: true },
      ]),
    ],
    rows: html`<tbody>${rows.map((row) => html`<tr><th scope="row">${row.way}</th>${cells(row)}</tr>\n`)}</tbody>`,
  })
}

const against = (rows: MatrixView['rows'], of: string): string =>
  rows.flatMap((r) => r.gains).find((g) => g.of === of)?.against ?? ''

function peaks(id: string, { methods, rows, unit }: MatrixView): Markup {
  const cells = (row: MatrixView['rows'][number]) =>
    row.peaks.map((n) =>
      n === null ? number('refused') : number(html`<data value="${n}">${columnBytes(n, unit)}</data>`, n),
    )
  return table({
    id: `${id}matrix-t`,
    sortable: true,
    caption: 'Peak of live tensors',
    columns: [{ name: 'combined with' }, ...methods.map((name) => ({ name, numeric: true }))],
    rows: html`<tbody>${rows.map((row) => html`<tr><th scope="row">${row.way}</th>${cells(row)}</tr>\n`)}</tbody>`,
  })
}

const refusals = (id: string, { refused }: MatrixView): Markup | null =>
  refused.length === 0
    ? null
    : folded({
        id: `${id}matrix-r`,
        summary: 'What is refused, and why',
        body: () => html`<ul>${refused.map(({ cells, reason }) => html`<li>${cells}: ${reason}</li>`)}</ul>`,
      })

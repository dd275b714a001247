import { curvesChart } from '../../charts/curves.ts'
import type { CurvesView } from '../../view/curves.ts'
import type { RankCurves, StudyView } from '../../view/study.ts'
import { loss, percent } from '../../view/verdict.ts'
import { number, table } from '../cells.ts'
import { figure } from '../figure.ts'
import { folded } from '../folded.ts'
import { html, type Markup } from '../markup.ts'

/** Validation over the training, a figure a rank: the first is shown, the others open. */
export function curvesSection({ id, curves }: StudyView): Markup | null {
  const [first, ...others] = curves
  if (first === undefined) return null
  return html`<section id="${id}curves"><h2>Learning curves</h2>
<p class="basis">Measured · the line is the mean of the seeds, the band reaches from the lowest to the highest of them</p>
${rankFigures(id, first)}${
  others.length === 0
    ? null
    : folded({
        id: `${id}curves-d`,
        summary: 'The other ranks',
        aside: others.map((c) => String(c.rank)).join(', '),
        body: () => html`${others.map((c) => rankFigures(id, c))}`,
      })
}</section>
`
}

function rankFigures(id: string, { rank, loss: losses, accuracy }: RankCurves): Markup {
  const name = rank === null ? '' : `rank ${rank}: `
  const key = `${id}curves-${rank ?? 'all'}`
  const shown = [
    { id: key, what: 'validation loss', view: losses },
    ...(accuracy === null ? [] : [{ id: `${key}-a`, what: 'validation accuracy', view: accuracy }]),
  ]
  return html`${shown.map(
    ({ id: own, what, view }) =>
      html`${figure({
        id: own,
        caption: html`<b>${name}${what}</b> over training steps`,
        label: `${what} over the steps, ${name}${view.curves.map((c) => `${c.name} ends at ${c.last}`).join(', ')}`,
        describedBy: `${own}-t`,
        chart: (size) => curvesChart(view, size),
      })}${numbers(own, `${name}${what}`, view)}`,
  )}`
}

/** Every point of the curves. */
function numbers(id: string, what: string, { curves, numbers: format }: CurvesView): Markup {
  const words = format === '.2f' ? loss : percent
  const steps = curves[0]?.points.map((p) => p.step) ?? []
  const rows = steps.map(
    (step, i) =>
      html`<tr><th scope="row" class="n">${step}</th>${curves.map(({ points }) => {
        const p = points[i]
        if (p === undefined) return number('')
        const range = p.low === p.high ? '' : html` <span class="muted">${words(p.low)} – ${words(p.high)}</span>`
        return number(html`${words(p.mean)}${range}`)
      })}</tr>
`,
  )
  return folded({
    id: `${id}-d`,
    summary: 'In numbers',
    body: () =>
      table({
        id: `${id}-t`,
        caption: `${what} at each step looked at: mean, lowest – highest seed`,
        columns: [{ name: 'step', numeric: true }, ...curves.map((c) => ({ name: c.name, numeric: true }))],
        rows: html`<tbody>${rows}</tbody>`,
      }),
  })
}

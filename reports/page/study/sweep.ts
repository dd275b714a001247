import { heatMapChart } from '../../charts/heat-map.ts'
import type { StudyView } from '../../view/study.ts'
import { heatOf, type SweepGrid } from '../../view/sweep.ts'
import { loss } from '../../view/verdict.ts'
import { number, table } from '../cells.ts'
import { figure } from '../figure.ts'
import { folded } from '../folded.ts'
import { html, type Markup } from '../markup.ts'
import { methodSwatch } from './swatch.ts'

/** Ranks and learning rates; null where each method had one rate. */
export function sweepSection({ id, sweep, body }: StudyView): Markup | null {
  if (sweep.length === 0) return null
  const before = body.base.validation.loss
  const best = sweep.flatMap((g) =>
    g.best === null ? [] : [`${g.name} is best at rank ${g.best.rank} and rate ${g.best.rate} with ${g.best.words}`],
  )
  return html`<section id="${id}sweep"><h2>Rank and learning rate</h2>
<p class="basis">Measured · validation loss, mean over seeds · one scale for all grids, from the base’s loss (${loss(before)}), without colour, to the best of all · the best of each grid has a frame</p>
${figure({
  id: `${id}heat`,
  caption: 'The stronger the colour, the lower the loss.',
  label: `Validation loss by rank and learning rate: ${best.join(', ')}`,
  describedBy: `${id}sweep-t`,
  chart: (size) => heatMapChart(heatOf(sweep, before), size),
})}${folded({ id: `${id}sweep-d`, summary: 'In numbers', body: () => sweepTable(id, sweep) })}</section>
`
}

function sweepTable(id: string, sweep: readonly SweepGrid[]): Markup {
  const rates = sweep[0]?.rates ?? []
  const rows = sweep.flatMap((grid) =>
    grid.ranks.map((rank) => {
      const cells = rates.map((rate) => grid.cells.find((c) => c.rank === rank && c.rate === rate))
      return html`<tr><th scope="row">${methodSwatch(grid.method)}${grid.name} r${rank}</th>${cells.map((c) => number(c?.words ?? '', c?.loss ?? null))}</tr>
`
    }),
  )
  return table({
    id: `${id}sweep-t`,
    sortable: true,
    caption: 'Validation loss by learning rate, mean over seeds',
    columns: [{ name: 'method and rank' }, ...rates.map((r) => ({ name: String(r), numeric: true }))],
    rows: html`<tbody>${rows}</tbody>`,
  })
}

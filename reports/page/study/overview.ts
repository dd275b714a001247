import { nameOf } from '../../view/curves.ts'
import type { StudyView } from '../../view/study.ts'
import { loss, signedLoss } from '../../view/verdict.ts'
import { changeWords } from '../../words.ts'
import { cell, number, table } from '../cells.ts'
import { html, type Markup } from '../markup.ts'
import { methodSwatch } from './swatch.ts'

/** Several studies: in each LoRA-FA beside LoRA, quality and memory. */
export function studiesOverview(studies: readonly StudyView[]): Markup {
  const rows = studies.flatMap((view) =>
    view.body.verdicts.map((v, i) => {
      const of = (method: string) => view.rows.find((r) => r.method === method && r.rank === v.rank)!
      // a verdict is made of these two rows
      const [own, lora] = [of(v.method), of('lora')]
      const apart = v.spread === null ? signedLoss(v.difference) : `${signedLoss(v.difference)} ± ${loss(v.spread)}`
      return html`<tr><th scope="row">${i === 0 ? html`<a href="#${view.id}head">${view.model}</a>` : ''}</th><td>${methodSwatch(v.method)}${nameOf(own)}</td>${number(loss(own.validation_loss))}${number(loss(lora.validation_loss))}${number(apart)}${cell(VERDICTS[v.verdict ?? 'none'])}${number(changeWords(lora.peak_bytes, own.peak_bytes))}${number(changeWords(lora.trainable, own.trainable))}</tr>
`
    }),
  )
  return html`<section id="studies" class="answer"><h1 class="lead">${studies.length} studies: LoRA-FA beside LoRA</h1>
<p class="basis">Measured · validation loss, mean over seeds; the difference ± the sum of both standard deviations · peak and trained parameters against LoRA’s</p>
${table({
  id: 'studies-t',
  caption: 'Each method at its best learning rate',
  columns: [
    { name: 'study' },
    { name: 'method' },
    { name: 'validation loss', numeric: true },
    { name: 'LoRA', numeric: true },
    { name: 'difference', numeric: true },
    { name: 'seed spread' },
    { name: 'peak', numeric: true },
    { name: 'trains', numeric: true },
  ],
  rows: html`<tbody>${rows}</tbody>`,
})}</section>`
}

const VERDICTS = { within: 'within', better: 'better', worse: 'NOT within', none: 'one seed' } as const

import { formatBytes } from '../../planner/trace/bytes.ts'
import { nameOf } from '../view/curves.ts'
import type { StudyView } from '../view/study.ts'
import type { SweepGrid } from '../view/sweep.ts'
import { loss, percent } from '../view/verdict.ts'
import { digits } from '../words.ts'
import { fence, table, text } from './markdown-text.ts'

/** A study's answer and tables. */
export function studyMarkdown(view: StudyView): string {
  const { base, engine } = view.body
  const blocks = [
    `## ${text(view.title)}`,
    `${text(view.model)} · ${text(view.setting)}  \n${text(view.stack)}`,
    [`**${text(view.answer.lead)}**`, ...view.answer.more.map(text)].join('\n\n'),
    `### Quality beside memory\n\nMeasured on ${text(engine)}. Losses in nats, mean over seeds ± standard deviation; the base (${text(base.source)}) has ${loss(base.validation.loss)}.\n\n${qualityTable(view)}`,
    view.sweep.length === 0
      ? ''
      : `### Rank and learning rate\n\nValidation loss, mean over seeds; the best of each method is bold.\n\n${sweepTable(view.sweep)}`,
    `### Reproduce\n\n${fence(view.command)}`,
    view.warnings.length === 0 ? '' : `### Warnings\n\n${view.warnings.map((w) => `- ${text(w)}`).join('\n')}`,
    `*${text(view.tool)}*`,
  ]
  return `${blocks.filter((b) => b !== '').join('\n\n')}\n`
}

function qualityTable({ rows, body }: StudyView): string {
  const classifies = body.data.majority !== null
  const share = (mean: number | null, deviation: number | null) =>
    mean === null ? '' : `${percent(mean)}${deviation === null ? '' : ` ± ${(100 * deviation).toFixed(1)}`}`
  const spread = (mean: number, deviation: number | null) =>
    deviation === null ? loss(mean) : `${loss(mean)} ± ${loss(deviation)}`
  return table(
    ['method', 'rate', 'validation', 'test', ...(classifies ? ['test accuracy'] : []), 'peak', 'a step', 'trains'],
    rows.map((r) => [
      text(nameOf(r)),
      String(r.learning_rate),
      spread(r.validation_loss, r.validation_spread),
      spread(r.test_loss, r.test_spread),
      ...(classifies ? [share(r.accuracy, r.accuracy_spread)] : []),
      formatBytes(r.peak_bytes),
      `${(1000 * r.seconds_per_step).toFixed(0)} ms`,
      digits(r.trainable, ','),
    ]),
  )
}

function sweepTable(sweep: readonly SweepGrid[]): string {
  const rates = sweep[0]?.rates ?? []
  const rows = sweep.flatMap((grid) =>
    grid.ranks.map((rank) => [
      text(`${grid.name} r${rank}`),
      ...rates.map((rate) => {
        const cell = grid.cells.find((c) => c.rank === rank && c.rate === rate)
        if (cell === undefined) return ''
        return cell === grid.best ? `**${cell.words}**` : cell.words
      }),
    ]),
  )
  return table(['method and rank', ...rates.map(String)], rows)
}

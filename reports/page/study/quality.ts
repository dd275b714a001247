import type { StudyRow, Verdict } from '../../../planner/result/study.ts'
import { formatBytes } from '../../../planner/trace/bytes.ts'
import { scatterChart } from '../../charts/scatter.ts'
import { nameOf } from '../../view/curves.ts'
import type { StudyView } from '../../view/study.ts'
import { loss, percent, signedLoss } from '../../view/verdict.ts'
import { digits } from '../../words.ts'
import { bytes, number, table } from '../cells.ts'
import { figure } from '../figure.ts'
import { html, type Markup } from '../markup.ts'
import { methodSwatch } from './swatch.ts'

/** What each method reaches beside what it needs; null before the first run. */
export function qualitySection(view: StudyView): Markup | null {
  const { id, rows, points, body } = view
  if (rows.length === 0) return null
  const words = points.map((p) => `${p.name} ${loss(p.loss)} at ${formatBytes(p.bytes)}`).join(', ')
  return html`<section id="${id}quality"><h2>Quality beside memory</h2>
<p class="basis">Measured on ${body.engine} · losses in nats, mean over seeds ± standard deviation · peaks are live tensor bytes of a training step</p>
${figure({
  id: `${id}scatter`,
  caption: 'Validation loss over the measured peak; the lower and the further left, the better.',
  label: `Validation loss and measured peak of each method: ${words}`,
  describedBy: `${id}quality-t`,
  chart: (size) => scatterChart(points, size),
})}${qualityTable(view)}</section>
`
}

function qualityTable({ id, rows, body }: StudyView): Markup {
  const classifies = body.data.majority !== null
  const cells = rows.map(
    (r) =>
      html`<tr><th scope="row">${methodSwatch(r.method)}${nameOf(r)}</th>${number(String(r.learning_rate), r.learning_rate)}${number(withSpread(r.validation_loss, r.validation_spread), r.validation_loss)}${number(withSpread(r.test_loss, r.test_spread), r.test_loss)}${classifies ? html`${share(r.validation_accuracy, r.validation_accuracy_spread)}${share(r.accuracy, r.accuracy_spread)}` : null}${number(html`${bytes(r.peak_bytes)} ${peakCheck(body.runs, r)}`, r.peak_bytes)}${against(body.verdicts, r)}${number(`${(1000 * r.seconds_per_step).toFixed(0)} ms`, r.seconds_per_step)}${number(digits(r.trainable), r.trainable)}</tr>
`,
  )
  const accuracies = classifies ? ['validation accuracy', 'test accuracy'] : []
  return table({
    id: `${id}quality-t`,
    sortable: true,
    tall: rows.length > 14,
    caption: `Each method at its best learning rate by validation loss; the base has ${loss(body.base.validation.loss)} before any adaptation. ✓: the peak of every run equals the prediction made for it`,
    columns: [
      { name: 'method' },
      ...['rate', 'validation loss', 'test loss', ...accuracies, 'peak', 'against LoRA', 'a step', 'trains'].map(
        (name) => ({
          name,
          numeric: true,
        }),
      ),
    ],
    rows: html`<tbody>${cells}</tbody>`,
  })
}

/** Whether every run's peak is the one that was predicted for it. */
function peakCheck(runs: StudyView['body']['runs'], row: StudyRow): Markup {
  const own = runs.filter((r) => r.method === row.method && r.rank === row.rank)
  const predicted = own.flatMap((r) => (r.predicted_peak_bytes === null ? [] : [r.peak_bytes - r.predicted_peak_bytes]))
  if (predicted.length === 0) return html`<span class="muted">not predicted</span>`
  return predicted.every((d) => d === 0)
    ? html`<span class="ok">✓</span>`
    : html`<span class="bad">✗ predicted otherwise</span>`
}

/** The difference to LoRA at the same rank, and whether it lies within the seed spread. */
function against(verdicts: readonly Verdict[], row: StudyRow): Markup {
  const found = verdicts.find((v) => v.method === row.method && v.rank === row.rank)
  if (found === undefined) return number('')
  const { difference, spread, verdict } = found
  const place = verdict === 'worse' ? html`<span class="bad">NOT within</span>` : (verdict ?? 'one seed')
  return number(html`${signedLoss(difference)}${spread === null ? '' : ` ± ${loss(spread)}`} ${place}`, difference)
}

const share = (mean: number | null, deviation: number | null): Markup =>
  number(
    mean === null ? '' : deviation === null ? percent(mean) : `${percent(mean)} ± ${(100 * deviation).toFixed(1)}`,
    mean,
  )

const withSpread = (mean: number, deviation: number | null): string =>
  deviation === null ? loss(mean) : `${loss(mean)} ± ${loss(deviation)}`

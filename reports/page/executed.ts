import { formatBytes } from '../../planner/trace/bytes.ts'
import { sharedScale } from '../charts/geometry.ts'
import { overlayChart } from '../charts/overlay.ts'
import type { ProofView } from '../view/proof.ts'
import type { ReportView } from '../view-model.ts'
import { barsFigure } from './bars.ts'
import { figure } from './figure.ts'
import { html, type Markup } from './markup.ts'
import { checksTable, notExercised, proofTable } from './proof.ts'

const ONE_STACK = 'A real run beside the prediction of this very run, made before it.'
const TWO_STACKS =
  'A real run beside the prediction of this very run, made before it. Its stack and dtype are not those of the estimate above, so its figures stand on no bar of that.'

/** What ran, each step beside its own prediction; null where nothing ran. */
export function executedSection(view: ReportView): Markup | null {
  if (view.proofs.length === 0) return null
  const [first] = view.proofs
  const scale = sharedScale(view.proofs.flatMap((p) => [p.method.timeline, p.measured].map((t) => t.peak?.bytes ?? 0)))
  const figures = view.proofs.map((p) =>
    figure({
      id: `${p.id}-timeline`,
      caption: html`<b>${p.method.name}</b> <span class="key broad"></span>predicted <span class="key line"></span>measured`,
      label: `Live bytes of ${p.method.name} on ${p.engine} through the step, predicted and measured: ${peakWords(p)}`,
      describedBy: `${view.id}proof`,
      chart: (size) => overlayChart(p.method.timeline, p.measured, scale, size),
    }),
  )
  return html`<section id="${view.id}executed"><h2>Executed on ${first!.engine}: measured beside predicted</h2>
<p class="basis">Live tensor bytes unless another tier is named · predicted: simulated for ${first!.stack}, before the run · measured: the engine’s own storages</p>
<p>${view.proofBars === null ? ONE_STACK : TWO_STACKS}</p>
${settings(view.proofs)}
${view.proofBars === null ? null : barsFigure(`${view.id}xbars`, view.proofBars)}
${figures}
${proofTable(view)}
${checksTable(view)}
${notExercised(view.proofs)}</section>
`
}

function peakWords(p: ProofView): string {
  const predicted = formatBytes(p.method.peak.bytes)
  if (p.measuredPeak === null) return `predicted peak ${predicted}`
  return p.measuredPeak === p.method.peak.bytes
    ? `both peak at ${predicted}, at ${p.method.peak.at}`
    : `predicted peak ${predicted}, measured ${formatBytes(p.measuredPeak)}`
}

const settings = (proofs: readonly ProofView[]): Markup =>
  html`<dl>${proofs.map((p) => html`<dt>${p.method.name}</dt><dd>${p.setting} · ${seconds(p)} · prediction <code>${p.hash}</code></dd>`)}</dl>
`

function seconds(p: ProofView): string {
  if (p.seconds.length === 0) return 'not timed'
  const mean = p.seconds.reduce((sum, s) => sum + s, 0) / p.seconds.length
  return `${mean.toPrecision(3)} s a step`
}

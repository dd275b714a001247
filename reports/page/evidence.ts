import { formatBytes } from '../../planner/trace/bytes.ts'
import { sharedScale } from '../charts/geometry.ts'
import { overlayChart } from '../charts/overlay.ts'
import type { MethodView } from '../view/method.ts'
import type { ProofRow, ProofView } from '../view/proof.ts'
import type { ReportView } from '../view-model.ts'
import { barsFigure } from './bars.ts'
import { bytes, cell, exact, number, signed, table } from './cells.ts'
import { figure } from './figure.ts'
import { html, type Markup } from './markup.ts'

/** From live tensors to the device, as far as it is modelled; then what ran, each beside its own prediction. */
export async function evidenceSection(view: ReportView): Promise<Markup> {
  return html`<section id="tiers"><h2>From tensors to the device</h2>
<p class="basis">Simulated for ${view.stack} · each tier is its own figure, none is spread over another</p>
${tierTable(view.methods)}
${fitNotes(view.methods)}</section>
${view.proofs.length === 0 ? null : await executedSection(view)}`
}

function tierTable(methods: readonly MethodView[]): Markup {
  const unknown = html`<span class="muted">not modelled</span>`
  const rows = methods.map(({ name, tiers, fit }) => {
    const p = tiers.process
    const process =
      p === null
        ? unknown
        : html`${bytes(p.bytes)} <span class="muted">(${bytes(p.low)} – ${bytes(p.high)}, ${p.basis})</span>`
    return html`<tr><th scope="row">${name}</th>${number(bytes(tiers.live))}${number(tiers.reserved === null ? unknown : bytes(tiers.reserved))}${number(process)}${fit ? html`${number(bytes(fit.capacity_bytes))}${number(signed(fit.margin_bytes))}` : null}</tr>
`
  })
  const gpu = methods.find((m) => m.fit !== null)?.fit?.gpu
  const fit =
    gpu === undefined
      ? []
      : [
          { name: gpu, numeric: true },
          { name: 'left', numeric: true },
        ]
  return table({
    id: 'tiers-t',
    fit: true,
    caption: 'The peak by tier',
    columns: [
      { name: 'method' },
      { name: 'live', numeric: true },
      { name: 'reserved', numeric: true },
      { name: 'process', numeric: true },
      ...fit,
    ],
    rows: html`<tbody>${rows}</tbody>`,
  })
}

const fitNotes = (methods: readonly MethodView[]): Markup[] =>
  methods.flatMap((m) =>
    m.fit === null
      ? []
      : [
          html`<p>${m.name} on ${m.fit.gpu}: ${m.fit.verdict}.</p>
`,
        ],
  )

async function executedSection(view: ReportView): Promise<Markup> {
  const [first] = view.proofs
  const scale = sharedScale(view.proofs.flatMap((p) => [p.method.timeline, p.measured].map((t) => t.peak?.bytes ?? 0)))
  const figures = await Promise.all(
    view.proofs.map((p) =>
      figure({
        id: `${p.id}-timeline`,
        caption: html`<b>${p.method.name}</b> <span class="key broad"></span>predicted <span class="key line"></span>measured`,
        label: `Live bytes of ${p.method.name} on ${p.engine} through the step, predicted and measured: ${peakWords(p)}`,
        describedBy: 'proof',
        chart: (size) => overlayChart(p.method.timeline, p.measured, scale, size),
      }),
    ),
  )
  return html`<section id="executed"><h2>Executed on ${first!.engine}: measured beside predicted</h2>
<p class="basis">Live tensor bytes unless another tier is named · predicted: simulated for ${first!.stack}, before the run · measured: the engine’s own storages</p>
<p>This is the run and the prediction of this very run. Its stack and dtype are not those of the estimate above, and its figures stand on no bar of it.</p>
${settings(view.proofs)}
${view.proofBars === null ? null : await barsFigure('xbars', view.proofBars)}
${figures}
${proofTable(view.proofs)}
${view.proofs.map(checks)}
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

function proofTable(proofs: readonly ProofView[]): Markup {
  const bodies = proofs.map(
    (
      p,
    ) => html`<tbody><tr class="group"><th colspan="6" scope="rowgroup">${p.method.name} <span>${p.equal} of ${p.compared} equal</span></th></tr>
${p.rows.map(proofRow)}</tbody>
`,
  )
  return table({
    id: 'proof',
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

function checks(p: ProofView): Markup {
  const items = p.checks.map(
    (c) =>
      html`<li><span class="${c.passed ? 'ok' : 'bad'}">${c.passed ? '✓' : '✗'}</span> ${c.what}${c.detail === '' ? null : html` <span class="muted">${c.detail}</span>`}</li>`,
  )
  return html`<h3>Is the step right? ${p.method.name}</h3>
<ul class="checks">${items}</ul>
${p.sound ? null : html`<p class="note">A memory figure from a step that is not right proves nothing: no figure of this run counts as equal.</p>`}
`
}

function notExercised(proofs: readonly ProofView[]): Markup | null {
  const items = [...new Set(proofs.flatMap((p) => p.notExercised))]
  if (items.length === 0) return null
  return html`<h3>What the run does not exercise</h3>
<ul>${items.map((i) => html`<li>${i}</li>`)}</ul>
`
}

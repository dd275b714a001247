import type { MethodView } from '../view/method.ts'
import { notCounted } from '../view/ranks.ts'
import type { ReportView } from '../view-model.ts'
import { bytes, number, signed, table } from './cells.ts'
import { html, type Markup } from './markup.ts'

/** From live tensors to the device, as far as it is modelled. */
export function tiersSection(view: ReportView): Markup {
  return html`<section id="${view.id}tiers"><h2>From tensors to the device</h2>
<p class="basis">Simulated for ${view.stack} · each tier is its own figure, none is spread over another</p>
${tierTable(view)}
${notes(view.methods)}</section>
`
}

function tierTable({ id, methods }: ReportView): Markup {
  const unknown = html`<span class="muted">not predicted</span>`
  const rows = methods.map(({ name, tiers, fit }) => {
    const p = tiers.process
    const process =
      p === null ? unknown : html`${bytes(p.bytes)} <span class="muted">${bytes(p.low)} – ${bytes(p.high)}</span>`
    return html`<tr><th scope="row">${name}</th>${number(bytes(tiers.live))}${number(tiers.allocated === null ? unknown : bytes(tiers.allocated.bytes))}${number(tiers.reserved === null ? unknown : bytes(tiers.reserved))}${number(process)}${fit ? html`${number(bytes(fit.capacity_bytes))}${number(signed(fit.margin_bytes))}` : null}</tr>
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
    id: `${id}tiers-t`,
    fit: true,
    caption: 'The peak by tier',
    columns: [
      { name: 'method' },
      { name: 'live', numeric: true },
      { name: 'allocated', numeric: true },
      { name: 'reserved', numeric: true },
      { name: 'process', numeric: true },
      ...fit,
    ],
    rows: html`<tbody>${rows}</tbody>`,
  })
}

/** What each tier rests on and what the verdict says, each thing once. */
function notes(methods: readonly MethodView[]): Markup {
  const bases = methods.flatMap(({ tiers: { allocated, process }, ranks }) => [
    ...(allocated === null ? [] : [`allocated: ${allocated.basis}`]),
    ...(process === null ? [] : [`process: ${process.basis}`]),
    ...(ranks === null ? [] : notCounted(ranks)),
  ])
  const verdicts = methods.flatMap((m) => (m.fit === null ? [] : [`${m.name} on ${m.fit.gpu}: ${m.fit.verdict}`]))
  return html`<ul>${[...new Set(bases), ...verdicts].map((line) => html`<li>${line}.</li>`)}</ul>`
}

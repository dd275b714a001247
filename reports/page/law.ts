import { GROUPS, groupOf } from '../palette.ts'
import type { MethodView } from '../view/method.ts'
import { digits } from '../words.ts'
import { bytes, cell, code, number, swatch, table } from './cells.ts'
import { folded } from './folded.ts'
import { html, type Markup } from './markup.ts'

/** The peak as a formula: its terms, what a token adds and, where it was asked for, every branch of the maximum. */
export function lawBlock(m: MethodView): Markup {
  const { expression, per_token_bytes, terms, maximum } = m.law
  const rows = [...terms]
    .sort((a, b) => b.bytes - a.bytes || GROUPS.indexOf(groupOf(a.category)) - GROUPS.indexOf(groupOf(b.category)))
    .map(
      (t) =>
        html`<tr>${number(bytes(t.bytes))}<td>${swatch(groupOf(t.category))}${t.category}</td>${cell(code(t.symbol))}</tr>`,
    )
  return html`<h3>The law</h3>
<p>peak = <code>${expression}</code></p>
<p>The saved and temporary part grows by ${digits(Math.round(per_token_bytes))} bytes a token at this instant.</p>
${folded({
  id: `${m.id}-law-d`,
  summary: 'Its terms',
  aside: `${terms.length}, adding up to the peak`,
  body: () =>
    table({
      id: `${m.id}-law`,
      fit: true,
      caption: `Terms of the peak of ${m.name}`,
      columns: [{ name: 'bytes', numeric: true }, { name: 'what' }, { name: 'grows as' }],
      rows: html`<tbody>${rows}</tbody>`,
    }),
})}${maximum === undefined ? null : branches(m, maximum)}`
}

const branches = (m: MethodView, { branches }: NonNullable<MethodView['law']['maximum']>): Markup =>
  table({
    id: `${m.id}-branches`,
    caption: `The peak of ${m.name} is the largest of these`,
    columns: [{ name: 'here', numeric: true }, { name: 'instant' }, { name: 'the peak where' }, { name: 'bytes' }],
    rows: html`<tbody>${branches.map(
      (b) =>
        html`<tr>${number(bytes(b.bytes))}${cell(code([b.instant.phase, b.instant.scope, b.instant.op].filter((w) => w !== '').join(' · ')))}${cell(b.domain ?? 'nowhere, as the length alone changes')}${cell(code(b.expression))}</tr>`,
    )}</tbody>`,
  })

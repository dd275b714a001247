import type { ByteUnit } from '../../planner/trace/bytes.ts'
import { formatBytes } from '../../planner/trace/bytes.ts'
import type { Group } from '../palette.ts'
import { columnBytes, digits, signedBytes } from '../words.ts'
import { type Content, html, type Markup } from './markup.ts'

/** Bytes for people, with the exact integer as the element's value. */
export const bytes = (n: number, unit?: ByteUnit): Markup => html`<data value="${n}">${formatBytes(n, unit)}</data>`

/** Bytes in a column of one unit. */
export const bytesIn = (n: number, unit: ByteUnit): Markup => html`<data value="${n}">${columnBytes(n, unit)}</data>`

/** Every byte: for figures that are claimed to be equal. */
export const exact = (n: number): Markup => html`<data value="${n}">${digits(n)}</data>`

export const signed = (n: number, unit?: ByteUnit): Markup => html`<data value="${n}">${signedBytes(n, unit)}</data>`

export const number = (content: Content, sortBy: number | null = null): Markup =>
  html`<td class="n" data-v="${sortBy}">${content}</td>`

export const cell = (content: Content): Markup => html`<td>${content}</td>`

/** A path, an operation or a formula, as the code writes it. */
export const code = (text: string): Markup =>
  text === '' ? html`<span class="muted">no module</span>` : html`<code>${breakable(text)}</code>`

/** Long paths break after their dots. */
const breakable = (text: string): Content =>
  text.split(/(?<=\.)/).map((part, i) => (i === 0 ? part : html`<wbr>${part}`))

export const swatch = (group: Group): Markup => html`<span class="swatch k-${group.replaceAll(' ', '-')}"></span>`

export interface Column {
  readonly name: string
  /** Numbers stand right, and sort as numbers. */
  readonly numeric?: boolean
}

/** A table in a container of its own, which scrolls where the page is narrow or the table long. */
export function table(t: {
  readonly id: string
  readonly caption: Content
  readonly columns: readonly Column[]
  readonly rows: Content
  readonly sortable?: boolean
  readonly tall?: boolean
  /** As wide as its cells, for tables of few columns. */
  readonly fit?: boolean
}): Markup {
  const heads = t.columns.map((c) => html`<th scope="col" class="${c.numeric ? 'n' : null}">${c.name}</th>`)
  return html`<div class="scroll${t.tall ? ' tall' : ''}" role="region" aria-labelledby="${t.id}-c" tabindex="0">
<table id="${t.id}" class="${t.fit ? 'fit' : null}" data-sort="${t.sortable ? '' : null}"><caption id="${t.id}-c">${t.caption}</caption>
<thead><tr>${heads}</tr></thead>
${t.rows}
</table></div>
`
}

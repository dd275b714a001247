import { type Content, html, later, type Markup } from './markup.ts'

/** A part that opens; what is inside is only made for who wants it: text always, a page when it is open. */
export const folded = (f: {
  readonly id: string
  readonly summary: Content
  /** Beside the summary, less loud. */
  readonly aside?: Content
  readonly open?: boolean
  readonly kind?: string
  readonly body: () => Markup
}): Markup =>
  html`<details id="${f.id}" class="${f.kind ?? null}" open="${f.open === true ? '' : null}"><summary>${f.summary}${f.aside === undefined ? null : html` <span>${f.aside}</span>`}</summary>${later(f.body)}</details>`

import { unbroken } from '../words.ts'
import { html, type Markup } from './markup.ts'

/** What a reader came for, in a sentence and a few more; the first warning beside it. */
export function answerSection({
  id,
  answer,
  warnings,
}: {
  readonly id: string
  readonly answer: { readonly lead: string; readonly more: readonly string[] }
  readonly warnings: readonly string[]
}): Markup {
  const [first, ...others] = warnings
  return html`<section id="${id}answer" class="answer"><p class="lead">${unbroken(answer.lead)}</p>
${answer.more.map((sentence) => html`<p>${unbroken(sentence)}</p>`)}
${first === undefined ? null : html`<p class="note">${first}${others.length === 0 ? null : html` <a href="#${id}warnings">and ${others.length} more</a>`}</p>`}</section>`
}

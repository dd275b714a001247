import { seen, seenJson } from '../words.ts'

/** Text that is markup already. Only this file and the callers of `trusted` decide what is. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Content = Markup | string | number | null | readonly Content[]

/** A template whose values are text unless they are `Markup`: data can never become markup by being put in a page. */
export function html(parts: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + content(values[i - 1] ?? null) + part))
}

/** For markup that this program wrote itself: a chart, the style, the script. */
export const trusted = (text: string): Markup => new Markup(text)

function content(value: Content): string {
  if (value === null) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return value.map(content).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Safe in text and in quoted attributes. */
export const escapeHtml = (text: string): string => seen(text).replace(/[&<>"']/g, (c) => ENTITIES[c]!)

/** JSON that may stand in a script element: nothing in it ends the element or, in old engines, a line. */
export const scriptJson = (value: unknown): Markup =>
  trusted(seenJson(JSON.stringify(value)).replaceAll('<', '\\u003c'))

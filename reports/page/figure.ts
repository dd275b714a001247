import type { Chart } from '../charts/chart.ts'
import { type Content, drawing, html, type Markup } from './markup.ts'

/** A chart with its words. The table `describedBy` holds its numbers. */
export const figure = (f: {
  readonly id: string
  readonly caption: Content
  readonly label: string
  readonly describedBy: string
  readonly chart: (size: Chart['size']) => Chart
}): Markup => html`<figure id="${f.id}"><figcaption>${f.caption}</figcaption>${drawing(f)}</figure>`

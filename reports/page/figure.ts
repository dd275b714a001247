import type { Chart } from '../charts/chart.ts'
import { type Content, drawing, html, type Markup } from './markup.ts'

/** A chart with its words. The table `describedBy` holds its numbers. */
export const figure = (f: {
  readonly id: string
  readonly caption: Content
  readonly label: string
  readonly describedBy: string
  readonly chart: (size: Chart['size']) => Chart
}): Markup =>
  html`<figure id="${f.id}"><figcaption>${f.caption}<span class="script-only"><button type="button" data-do="svg" aria-label="download as SVG">SVG</button> <button type="button" data-do="png" aria-label="download as PNG">PNG</button></span></figcaption>${drawing(f)}</figure>`

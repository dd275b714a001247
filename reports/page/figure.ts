import type { TopLevelSpec } from 'vega-lite'
import type { Size } from '../charts/style.ts'
import { drawSvg } from '../svg.ts'
import { type Content, html, type Markup, trusted } from './markup.ts'

/** A chart in both sizes, with its words; the page shows the one that fits. The table `describedBy` holds its numbers. */
export async function figure(f: {
  readonly id: string
  readonly caption: Content
  readonly label: string
  readonly describedBy: string
  readonly chart: (size: Size) => TopLevelSpec
}): Promise<Markup> {
  const [wide, narrow] = await Promise.all([
    drawSvg(f.chart('wide'), `${f.id}w`),
    drawSvg(f.chart('narrow'), `${f.id}n`),
  ])
  const image = (kind: string, svg: string) =>
    html`<div class="${kind}" role="img" aria-label="${f.label}" aria-describedby="${f.describedBy}">${inline(svg)}</div>`
  return html`<figure id="${f.id}"><figcaption>${f.caption}</figcaption>
${image('wide-only', wide)}
${image('narrow', narrow)}
</figure>
`
}

/** Inside HTML an svg element needs no namespace, and its box is the page's to decide. */
const inline = (svg: string): Markup =>
  trusted(svg.replace(/^<svg[^>]*?(viewBox="[^"]*")[^>]*>/, '<svg $1 aria-hidden="true" focusable="false">'))

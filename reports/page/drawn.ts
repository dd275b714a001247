import { drawSvg } from '../svg.ts'
import type { Markup } from './markup.ts'
import { drawingsIn, escapeHtml } from './text.ts'

/** Draws every chart of the markup in both sizes; the page shows the one that fits. */
export async function drawAll(markup: Markup): Promise<ReadonlyMap<string, string>> {
  const drawn = drawingsIn(markup.nodes).map(async (d) => {
    const [wide, narrow] = await Promise.all([
      drawSvg(d.chart('wide'), `${d.id}w`),
      drawSvg(d.chart('narrow'), `${d.id}n`),
    ])
    return [
      d.id,
      `<div class="chart" data-chart="${escapeHtml(d.id)}" role="img" aria-label="${escapeHtml(d.label)}" aria-describedby="${escapeHtml(d.describedBy)}">${image('wide-only', wide)}${image('narrow', narrow)}</div>\n`,
    ] as const
  })
  return new Map(await Promise.all(drawn))
}

const image = (kind: string, svg: string): string => `<div class="${kind}">${inline(svg)}</div>`

/** Inside HTML an svg element needs no namespace, and its box is the page's to decide. */
const inline = (svg: string): string =>
  svg.replace(/^<svg[^>]*?(viewBox="[^"]*")[^>]*>/, '<svg $1 aria-hidden="true" focusable="false">')

import type { Chart } from './charts/chart.ts'
import { drawAll } from './page/drawn.ts'
import { html, type Markup } from './page/markup.ts'
import { overview } from './page/overview.ts'
import { policyFor } from './page/policy.ts'
import { sectionsOf } from './page/sections.ts'
import { STYLE } from './page/style.ts'
import { drawingsIn, escapeHtml, scriptJson, toText } from './page/text.ts'
import { compileSpec } from './svg.ts'
import { embeddable } from './view/embed.ts'
import { type ReportResult, type ReportView, viewOf } from './view-model.ts'
import { listWords } from './words.ts'

/** What the page runs: handed in by whoever has the bundles, and knows the planner. */
export interface PageScripts {
  readonly scripts: readonly string[]
  /** By result, what its planner is made of; null where nothing can be asked again. */
  readonly setups: readonly unknown[]
}

/**
 * One HTML file that needs nothing else: no network, no eval, readable without its scripts, in both themes, on a phone and on
 * paper. The same results give the same bytes.
 *
 * @throws RangeError for no result, or one without methods
 */
export async function renderHtml(
  results: readonly ReportResult[],
  { scripts, setups }: PageScripts = { scripts: [], setups: [] },
): Promise<string> {
  const views = results.map(viewOf)
  if (views.length === 0) throw new RangeError('a report needs a result')
  const body = bodyOf(views)
  const text = toText(body, await drawAll(body))
  const data = { results: results.map(embeddable), setups, specs: scripts.length === 0 ? {} : await specsFor(body) }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(await policyFor(STYLE, scripts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(titleOf(views))}</title>
<style>${STYLE}</style>
</head>
<body>
${text}
<script type="application/json" id="data">${scriptJson(data)}</script>
${scripts.map((script) => `<script>${script}</script>\n`).join('')}</body>
</html>
`
}

/** The specifications that the page's charts are drawn by, in both sizes. */
async function specsFor(body: Markup): Promise<Record<string, unknown>> {
  const kinds = new Set(drawingsIn(body.nodes).map((d) => d.chart('wide').kind))
  const sizes: readonly Chart['size'][] = ['wide', 'narrow']
  const all = [...kinds].flatMap((kind) => sizes.map((size) => [kind, size] as const))
  const compiled = all.map(async ([kind, size]) => {
    // an address that nobody is to ask
    const { $schema: _, ...spec } = await compileSpec(kind, size)
    return [`${kind}:${size}`, spec]
  })
  return Object.fromEntries(await Promise.all(compiled))
}

const bodyOf = (
  views: readonly ReportView[],
): Markup => html`${views.length > 1 ? html`<div id="overview">${overview(views)}</div>` : null}<main>${views.map(
  (view, i) => html`<article id="article-${i}">${sectionsOf(view)}</article>`,
)}</main>
<footer>${views[0]?.tool ?? ''} · the results behind this page are inside it as JSON (<code>#data</code>), timelines thinned</footer>`

const titleOf = (views: readonly ReportView[]): string =>
  views.length === 1
    ? views[0]!.title
    : `${listWords([...new Set(views.map((v) => v.model))])}: memory of a training step`

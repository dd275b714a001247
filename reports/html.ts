import type { Chart } from './charts/chart.ts'
import { articleOf, type PageArticle } from './page/articles.ts'
import { drawAll } from './page/drawn.ts'
import { html, type Markup } from './page/markup.ts'
import { overview } from './page/overview.ts'
import { policyFor } from './page/policy.ts'
import { studiesOverview } from './page/study/overview.ts'
import { STYLE } from './page/style.ts'
import { drawingsIn, escapeHtml, scriptJson, toText } from './page/text.ts'
import { compileSpec } from './svg.ts'
import { embeddable } from './view/embed.ts'
import { studyView } from './view/study.ts'
import { isPlan, isStep, isStudy, type Reportable, viewOf } from './view-model.ts'
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
  results: readonly Reportable[],
  { scripts, setups }: PageScripts = { scripts: [], setups: [] },
): Promise<string> {
  if (results.length === 0) throw new RangeError('a report needs a result')
  const articles = results.map(articleOf)
  const body = bodyOf(results, articles)
  const text = toText(body, await drawAll(body))
  const data = { results: results.map(embeddable), setups, specs: scripts.length === 0 ? {} : await specsFor(body) }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(await policyFor(STYLE, scripts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(titleOf(results, articles))}</title>
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
  results: readonly Reportable[],
  articles: readonly PageArticle[],
): Markup => html`${overviewOf(results)}<main>${articles.map(
  ({ sections }, i) => html`<article id="article-${i}">${sections}</article>`,
)}</main>
<footer>${articles[0]?.tool ?? ''} · the results behind this page are inside it as JSON (<code>#data</code>), timelines thinned</footer>`

/** Predictions side by side, and studies, where there are several of a kind. */
function overviewOf(results: readonly Reportable[]): Markup | null {
  const memory = results.flatMap((result, index) => (isStep(result) ? [viewOf(result, index)] : []))
  const studies = results.flatMap((result, index) => (isStudy(result) ? [studyView(result, index)] : []))
  if (memory.length < 2 && studies.length < 2) return null
  return html`${memory.length < 2 ? null : html`<div id="overview">${overview(memory)}</div>`}${studies.length < 2 ? null : html`<div id="studies-overview">${studiesOverview(studies)}</div>`}`
}

function titleOf(results: readonly Reportable[], articles: readonly PageArticle[]): string {
  const [only, ...more] = articles
  if (only !== undefined && more.length === 0) return only.title
  const names = listWords([...new Set(articles.map((a) => a.model))])
  const about = results.every(isStudy) ? 'does LoRA-FA still learn?' : results.every(isPlan) ? 'what fits' : null
  return `${names}: ${about ?? 'memory of a training step'}`
}

import { drawAll } from './page/drawn.ts'
import { html, type Markup } from './page/markup.ts'
import { policyFor } from './page/policy.ts'
import { sectionsOf } from './page/sections.ts'
import { STYLE } from './page/style.ts'
import { escapeHtml, scriptJson, toText } from './page/text.ts'
import { embeddable } from './view/embed.ts'
import { type ReportResult, type ReportView, viewOf } from './view-model.ts'

/** What the page runs, and the data that it reads: handed in by whoever knows the planner. */
export interface PageScripts {
  readonly scripts: readonly string[]
  /** By the id of the element that holds it. */
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * One HTML file that needs nothing else: no network, no eval, readable without its script, in both themes, on a phone and on
 * paper. The same results give the same bytes.
 */
export async function renderHtml(result: ReportResult, page: PageScripts = { scripts: [], data: {} }): Promise<string> {
  const view = viewOf(result)
  const body = bodyOf(view)
  const text = toText(body, await drawAll(body))
  const data = { result: embeddable(result), ...page.data }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(await policyFor(STYLE, page.scripts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(view.title)}</title>
<style>${STYLE}</style>
</head>
<body>
${text}
${Object.entries(data)
  .map(([id, value]) => `<script type="application/json" id="${escapeHtml(id)}">${scriptJson(value)}</script>\n`)
  .join('')}${page.scripts.map((script) => `<script>${script}</script>\n`).join('')}</body>
</html>
`
}

const bodyOf = (view: ReportView): Markup => html`
<header id="head"><h1><b>${view.model}</b> · ${view.setting}</h1><div>${view.stack}</div></header>
<main>${sectionsOf(view)}</main>
<footer>${view.tool} · the result behind this page is inside it as JSON (<code>#result</code>), timelines thinned</footer>`

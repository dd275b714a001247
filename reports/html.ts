import { executedSection } from './page/executed.ts'
import { html, type Markup, scriptJson, trusted } from './page/markup.ts'
import { peakSection, timelineSection } from './page/peak.ts'
import { policyFor } from './page/policy.ts'
import { savingsSection } from './page/savings.ts'
import { SCRIPT } from './page/script.ts'
import { STYLE } from './page/style.ts'
import { tiersSection } from './page/tiers.ts'
import { trustSection } from './page/trust.ts'
import { whySection } from './page/why.ts'
import { embeddable } from './view/embed.ts'
import { type ReportResult, type ReportView, viewOf } from './view-model.ts'
import { unbroken } from './words.ts'

/**
 * One HTML file that needs nothing else: no network, no eval, readable without its script, in both themes, on a phone and on
 * paper. The same result gives the same bytes.
 */
export async function renderHtml(result: ReportResult): Promise<string> {
  const view = viewOf(result)
  const sections = [
    answerSection(view),
    await peakSection(view),
    savingsSection(view),
    await timelineSection(view),
    whySection(view),
    tiersSection(view),
    await executedSection(view),
    trustSection(view),
  ]
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${await policyFor(STYLE, SCRIPT)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${view.title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<header><h1><b>${view.model}</b> · ${view.setting}</h1><div>${view.stack}</div></header>
<main>
${sections}</main>
<footer>${view.tool} · the result behind this page is inside it as JSON (<code>#result</code>), timelines thinned</footer>
<script type="application/json" id="result">${scriptJson(embeddable(result))}</script>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`
  return page.text
}

function answerSection({ answer, warnings }: ReportView): Markup {
  return html`<section class="answer"><p class="lead">${unbroken(answer.lead)}</p>
${answer.more.map(
  (sentence) => html`<p>${unbroken(sentence)}</p>
`,
)}${
  warnings.length === 0
    ? null
    : html`<p class="note">${warnings[0]!}${warnings.length > 1 ? html` <a href="#warnings">and ${warnings.length - 1} more</a>` : null}</p>
`
}</section>
`
}

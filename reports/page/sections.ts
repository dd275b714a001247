import type { ReportView } from '../view-model.ts'
import { answerSection } from './answer.ts'
import { executedSection } from './executed.ts'
import { html, type Markup } from './markup.ts'
import { matrixSection } from './matrix.ts'
import { peakSection, timelineSection } from './peak.ts'
import { savingsSection } from './savings.ts'
import { tiersSection } from './tiers.ts'
import { trustSection } from './trust.ts'
import { whySection } from './why.ts'

/** One result from answer to evidence. A page that recomputes asks for the same sections again. */
export const sectionsOf = (view: ReportView): Markup =>
  html`<header id="${view.id}head">${view.id === '' ? html`<h1><b>${view.model}</b> · ${view.setting}</h1>` : html`<h2><b>${view.model}</b> · ${view.setting}</h2>`}<div>${view.stack}</div></header>${answerSection(view)}${peakSection(view)}${savingsSection(view)}${matrixSection(view)}${timelineSection(view)}${whySection(view)}${tiersSection(view)}${executedSection(view)}${panelPlace(view)}${trustSection(view)}`

/** Where the page's script puts its controls; they stay at the lower edge of the screen while what they change is read. */
const panelPlace = ({ id }: ReportView): Markup =>
  html`<section id="${id}what-if" class="what-if" data-own="" aria-label="What if"></section>`

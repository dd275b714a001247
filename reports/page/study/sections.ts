import type { StudyView } from '../../view/study.ts'
import { answerSection } from '../answer.ts'
import { html, type Markup } from '../markup.ts'
import { curvesSection } from './curves.ts'
import { qualitySection } from './quality.ts'
import { sweepSection } from './sweep.ts'
import { studyTrust } from './trust.ts'

/** A study from answer to evidence. */
export const studySections = (view: StudyView): Markup =>
  html`<header id="${view.id}head">${view.id === '' ? html`<h1><b>${view.model}</b> · ${view.setting}</h1>` : html`<h2><b>${view.model}</b> · ${view.setting}</h2>`}<div>${view.stack}</div></header>${answerSection(view)}${qualitySection(view)}${curvesSection(view)}${sweepSection(view)}${studyTrust(view)}`

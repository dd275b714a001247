import { planView } from '../view/plan.ts'
import { studyView } from '../view/study.ts'
import { isPlan, isStudy, type Reportable, viewOf } from '../view-model.ts'
import type { Markup } from './markup.ts'
import { planSections } from './plan/sections.ts'
import { sectionsOf } from './sections.ts'
import { studySections } from './study/sections.ts'

/** A result as an article of the page. */
export interface PageArticle {
  readonly title: string
  readonly model: string
  readonly tool: string
  readonly sections: Markup
}

/**
 * @param index of the result among those of the page
 * @throws RangeError for a comparison of no method
 */
export function articleOf(result: Reportable, index: number): PageArticle {
  if (isStudy(result)) {
    const view = studyView(result, index)
    return { title: view.title, model: view.model, tool: view.tool, sections: studySections(view) }
  }
  if (isPlan(result)) {
    const view = planView(result, index)
    return { title: view.title, model: view.model, tool: view.tool, sections: planSections(view) }
  }
  const view = viewOf(result, index)
  return { title: view.title, model: view.model, tool: view.tool, sections: sectionsOf(view) }
}

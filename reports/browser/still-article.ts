import type { PlanResult } from '../../planner/result/plan.ts'
import type { StudyResult } from '../../planner/result/study.ts'
import { makeSortable } from './sort.ts'

/** A study, which was measured once, or a plan, which takes a search: neither is asked again, and its page only sorts, and hands out its figures. */
export class StillArticle {
  readonly result: StudyResult | PlanResult

  constructor(root: HTMLElement, result: StudyResult | PlanResult) {
    this.result = result
    makeSortable(root)
  }
}

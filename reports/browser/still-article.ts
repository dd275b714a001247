import type { StudyResult } from '../../planner/result/study.ts'
import { makeSortable } from './sort.ts'

/** A result that was measured once and cannot be asked again: its page only sorts, and hands out its figures. */
export class StillArticle {
  readonly result: StudyResult

  constructor(root: HTMLElement, result: StudyResult) {
    this.result = result
    makeSortable(root)
  }
}

import type { Divergence, StudyResult, StudyRun } from '../result/study.ts'
import { STUDY_METHODS } from '../training/study-methods.ts'
import { type RunKey, sameRun } from './request.ts'
import { bestRows, rowsOf } from './summary.ts'
import { verdictsOf } from './verdict.ts'

export type StudyBody = StudyResult['result']

/** What is known of a study before its first run. */
export type StudyHead = Omit<StudyBody, 'runs' | 'diverged' | 'rows' | 'summary' | 'verdicts'>

/** A study's body from its head and the trainings so far, ended or broken off, in whatever order they were made. */
export function bodyOf(head: StudyHead, runs: readonly StudyRun[], diverged: readonly Divergence[]): StudyBody {
  const inOrder = [...runs].sort(byKey)
  const rows = rowsOf(inOrder)
  const summary = bestRows(rows)
  return {
    ...head,
    runs: inOrder,
    diverged: [...diverged].sort(byKey),
    rows,
    summary,
    verdicts: verdictsOf(summary),
  }
}

type Keyed = Pick<StudyRun, 'method' | 'rank' | 'learning_rate' | 'seed'>

/** By method, rank, learning rate and seed. */
function byKey(a: Keyed, b: Keyed): number {
  const order: readonly string[] = STUDY_METHODS
  const place = ({ method }: Keyed) => order.indexOf(method)
  return place(a) - place(b) || (a.rank ?? 0) - (b.rank ?? 0) || a.learning_rate - b.learning_rate || a.seed - b.seed
}

export const keyOf = (of: Keyed): RunKey => ({
  // a record's method is checked where its file is read
  method: of.method as RunKey['method'],
  rank: of.rank,
  learningRate: of.learning_rate,
  seed: of.seed,
})

/** The records of the trainings that were asked for. */
export const recordsOf = <T extends Keyed>(keys: readonly RunKey[], records: readonly T[]): T[] =>
  records.filter((record) => keys.some((key) => sameRun(keyOf(record), key)))

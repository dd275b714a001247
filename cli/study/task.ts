import type { StudyRun } from '../../planner/result/study.ts'
import type { StudyBody, StudyRequest } from '../../planner/study/index.ts'

export type { StudyBody }

/** A study as it crosses the process border: the request, and the files that its process reads and writes. */
export interface StudyTask {
  readonly request: StudyRequest
  /** Runs that the results file has already. */
  readonly finished: readonly StudyRun[]
  /** The files of a checkpoint; empty where the base is trained. */
  readonly checkpoint: readonly string[]
  /** Where the base that was trained is kept for a resumed study: the beginning of a path, or null. */
  readonly base: string | null
  /** Folder of trained adapters, or null. */
  readonly adapters: string | null
}

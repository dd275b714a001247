import type { Divergence, StudyResult, StudyRun } from '../../planner/result/study.ts'
import type { StudyBody, StudyRequest } from '../../planner/study/index.ts'

import type { TokenizerChoice } from './tokenizers/choose.ts'

export type { StudyBody }

/** What a study's document says beside its body. */
export type StudyAbout = Omit<StudyResult, 'result'>

/** A study as it crosses the process border: the request, and the files that its process reads and writes. */
export interface StudyTask {
  readonly request: StudyRequest
  readonly tokenizer: TokenizerChoice
  /** For the first line of the results; the stack is known when the engine is loaded. */
  readonly about: StudyAbout
  /** Runs that the results file has already. */
  readonly finished: readonly (StudyRun | Divergence)[]
  /** The files of a checkpoint; empty where the base is trained. */
  readonly checkpoint: readonly string[]
  /** Where the base that was trained is kept for a resumed study: the beginning of a path, or null. */
  readonly base: string | null
  /** Folder of trained adapters, or null. */
  readonly adapters: string | null
}

/** The document of a study, whose body names the stack that it ran on. */
export const documentOf = (about: StudyAbout, body: StudyBody): StudyResult => ({
  ...about,
  input: { ...about.input, stack: body.stack },
  result: body,
})

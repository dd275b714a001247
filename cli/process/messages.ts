import type { Probe } from '../../planner/execute/probe.ts'
import type { Executed } from '../../planner/result/run.ts'
import type { RunRequest } from '../../planner/run/setting.ts'
import type { EngineName } from '../../planner/trace/engine-names.ts'
import type { Progress } from '../output/progress.ts'
import type { StudyBody, StudyTask } from '../study/task.ts'

/** What the parent tells the child: one request, then nothing. */
export type ToChild =
  /** `trace`: send the measured events as lines too. */
  | { readonly kind: 'run'; readonly request: RunRequest; readonly trace: boolean }
  | { readonly kind: 'probe'; readonly engine: EngineName }
  | { readonly kind: 'study'; readonly task: StudyTask }

/** An error that crossed the process border: enough to tell it as if it had happened here. */
export interface SentError {
  /** A refusal is the person's to correct, an engine's absence the machine's; anything else is a failure. */
  readonly kind: 'refusal' | 'engine' | 'failure'
  readonly message: string
  readonly where: string
  readonly next: string
  readonly stack: string
}

export type ToParent =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'trace'; readonly lines: string }
  /** What the request asked for: `Executed` of a run, `Probe` of a probe, `StudyBody` of a study. */
  | { readonly kind: 'done'; readonly result: Executed | Probe | StudyBody }
  | { readonly kind: 'failed'; readonly error: SentError }

/** What runs a request: the planner's `executeRun`, or a stand-in in tests. */
export type Runner = (
  request: RunRequest,
  hooks: {
    readonly onProgress: (progress: Progress) => void
    readonly onTrace?: (line: string) => void
    readonly signal?: AbortSignal
  },
) => Promise<Executed>

export type Prober = (engine: EngineName) => Promise<Probe>

/** Runs a study; `onTrace` takes a line a finished run. */
export type Studier = (
  task: StudyTask,
  hooks: { readonly onProgress: (progress: Progress) => void; readonly onTrace: (line: string) => void },
) => Promise<StudyBody>

/** What a child can do, each loaded when it is asked for. */
export interface Work {
  readonly run: () => Promise<Runner>
  readonly probe: () => Promise<Prober>
  readonly study: () => Promise<Studier>
}

import type { Executed } from '../../planner/result/run.ts'
import type { RunRequest } from '../../planner/run/setting.ts'
import type { Progress } from '../output/progress.ts'

/** What the parent tells the child: one request, then nothing. */
export interface ToChild {
  readonly kind: 'run'
  readonly request: RunRequest
  /** Send the measured events as lines too. */
  readonly trace: boolean
}

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
  | { readonly kind: 'done'; readonly executed: Executed }
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

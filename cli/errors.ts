/** What a script can rely on. Only additions. */
export const EXIT = {
  done: 0,
  failure: 1,
  usage: 2,
  doesNotFit: 3,
  engineUnavailable: 4,
  outsideTolerance: 5,
  interrupted: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** One thing wrong: what, where, what was expected, what to do next. */
export interface Problem {
  readonly where: string
  readonly message: string
  readonly next: string
}

/** All that is wrong with what was typed or read, together. Exit code 2. */
export class UsageError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** The engine or the device is not there, or cannot take the step. Exit code 4. */
export class EngineError extends Error {
  readonly next: string

  constructor(message: string, next: string) {
    super(message)
    this.next = next
  }
}

/** A step that failed while it ran. Exit code 1. */
export class RunError extends Error {
  readonly next: string

  constructor(message: string, next: string, stack?: string) {
    super(message)
    this.next = next
    if (stack !== undefined) this.stack = stack
  }
}

/** The person said stop. Exit code 130. */
export class Interrupted extends Error {}

/** `--rank: is "abc"; expected an integer from 1 to 65536. Correct the value.` */
export function formatProblem({ where, message, next }: Problem): string {
  const sentence = /[.?!]$/.test(message) ? message : `${message}.`
  return `${where}: ${sentence} ${next}`.trim()
}

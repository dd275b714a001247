import { ModelError } from '../../models/issue.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { EngineError, EXIT, type ExitCode, formatProblem, Interrupted, RunError, UsageError } from '../errors.ts'
import { problemsOf } from '../problems.ts'
import type { Terminal } from '../terminal.ts'

/** Tells an error on stderr as what, where and what to do next, and gives its exit code. Stacks only under `--debug`. */
export function tellFailure(error: unknown, terminal: Terminal): ExitCode {
  const { err, manners } = terminal
  const label = err.red('error:')
  if (manners.debug && error instanceof Error) terminal.complain(error.stack ?? error.message)
  if (error instanceof Interrupted) {
    terminal.complain('interrupted')
    return EXIT.interrupted
  }
  if (error instanceof UsageError || error instanceof ModelError || error instanceof Refusal) {
    for (const problem of problemsOf(error)) terminal.complain(`${label} ${formatProblem(problem)}`)
    return EXIT.usage
  }
  if (error instanceof EngineError || error instanceof RunError) {
    terminal.complain(`${label} ${error.message}. ${error.next}`.trim())
    return error instanceof EngineError ? EXIT.engineUnavailable : EXIT.failure
  }
  const message = error instanceof Error ? error.message : String(error)
  const hint = manners.debug ? '' : ' Run again with --debug for the place in the program.'
  terminal.complain(`${label} ${message}.${hint}`)
  return EXIT.failure
}

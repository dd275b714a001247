import type { Executed } from '../../planner/result/run.ts'
import { EXIT, type ExitCode, RunError } from '../errors.ts'

/** Refuses the figures of a step that is not a right step: they would mean nothing. */
export function requireRightStep({ checks }: Executed, method: string): void {
  const wrong = [
    ...(checks.losses.every(Number.isFinite) ? [] : ['the loss is not a number']),
    ...(checks.frozen_unchanged ? [] : ['frozen weights changed']),
    ...(checks.trainable_changed ? [] : ['trained weights did not change']),
  ]
  if (wrong.length === 0) return
  throw new RunError(
    `the ${method} step is wrong, so its memory counts for nothing: ${wrong.join(', ')}`,
    'Please report this.',
  )
}

/** 5 where a measured figure, or an event, differs from its own prediction, or the step held what it no longer needed. */
export function outcomeOf(executed: readonly Executed[]): ExitCode {
  const differs = executed.some(
    ({ checks, measured }) =>
      !checks.events_equal || !checks.audit_clean || measured.tiers.some((t) => t.verdict === 'differs'),
  )
  return differs ? EXIT.outsideTolerance : EXIT.done
}

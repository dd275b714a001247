import { ModelError } from '../models/issue.ts'
import { Refusal } from '../planner/trace/errors.ts'
import { Refusals } from '../planner/training/refusals.ts'
import { type Problem, UsageError } from './errors.ts'

/** The parts of any input error, so that several come together. Rethrows what is no input error. */
export function problemsOf(error: unknown, placeOf: (flag: string) => string = (flag) => flag): Problem[] {
  if (error instanceof UsageError) return error.problems.map((p) => ({ ...p, where: placeOf(p.where) }))
  if (error instanceof ModelError) {
    return error.issues.map((i) => ({
      where: placeOf(i.where),
      message: `${i.message}; expected ${i.expected}`,
      next: i.next,
    }))
  }
  const refusals = error instanceof Refusals ? error.all : error instanceof Refusal ? [error] : undefined
  if (refusals === undefined) throw error
  return refusals.map((r) => ({ where: placeOf(r.where), message: r.message, next: r.next }))
}

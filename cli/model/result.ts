import type { ZodType } from 'zod'
import { printable } from '../../models/source.ts'
import { CompareResult } from '../../planner/result/compare.ts'
import { EstimateResult } from '../../planner/result/estimate.ts'
import { PlanResult } from '../../planner/result/plan.ts'
import { RunResult } from '../../planner/result/run.ts'
import { StudyResult } from '../../planner/result/study.ts'
import type { Reportable } from '../../reports/index.ts'
import { type Problem, UsageError } from '../errors.ts'

const SCHEMAS: Readonly<Record<string, ZodType<Reportable>>> = {
  'tidemark/estimate@1': EstimateResult,
  'tidemark/compare@1': CompareResult,
  'tidemark/run@1': RunResult,
  'tidemark/study@1': StudyResult,
  'tidemark/plan@1': PlanResult,
}

const MAX_SHOWN = 10

/** A saved result, checked against the schema it names. @throws UsageError with what is wrong where */
export function parseResult(value: unknown, path: string): Reportable {
  const name = value !== null && typeof value === 'object' && 'schema' in value ? String(value.schema) : ''
  const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined
  if (schema === undefined) {
    const message = name === '' ? 'is no result of tidemark: it has no schema' : `has the schema ${printable(name)}`
    const next = `Give what --json printed. Known: ${Object.keys(SCHEMAS).join(', ')}.`
    throw new UsageError([{ where: path, message, next }])
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems: Problem[] = parsed.error.issues.slice(0, MAX_SHOWN).map((issue) => ({
    where: `${path} ${issue.path.map(String).join('.')}`,
    message: issue.message,
    next: 'Was the file changed, or written by another version?',
  }))
  throw new UsageError(problems)
}

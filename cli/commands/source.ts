import { readJson } from '../../models/json.ts'
import { simulate } from '../../planner/predict/index.ts'
import type { TraceEvent } from '../../planner/trace/event.ts'
import type { Reportable } from '../../reports/index.ts'
import { readStandardInput, readTextFile } from '../files/read.ts'
import { isTrace } from '../model/is-trace.ts'
import { replan } from '../model/replan.ts'

/** Traces of large models are long. */
const MAX_BYTES = 512 * 1024 * 1024

/** What was saved: a result of --json, a study's results as lines, or a trace. */
export type Source =
  | { readonly path: string; readonly result: Reportable }
  | { readonly path: string; readonly trace: EventSource }

/** Events with what they are of. */
export interface EventSource {
  readonly kind: 'predicted' | 'measured'
  /** The stack or the engine. */
  readonly runtime: string
  /** Where one result has several: the method. Else empty. */
  readonly method: string
  readonly events: readonly TraceEvent[]
}

/** Reads a file that a person named, or standard input. @throws UsageError with what is wrong where */
export async function readSource(path: string): Promise<Source> {
  const text =
    path === '-'
      ? await readStandardInput(MAX_BYTES)
      : await readTextFile(path, {
          limit: MAX_BYTES,
          what: 'a result that --json printed, the results of a study, or a trace',
          flag: '',
        })
  if (isTrace(text)) {
    const { parseTrace } = await import('../model/trace.ts')
    return { path, trace: { ...parseTrace(text, path), method: '' } }
  }
  const { isResultsFile, studyFromLines } = await import('../study/results.ts')
  if (isResultsFile(text)) return { path, result: studyFromLines(text, path) }
  const { parseResult } = await import('../model/result.ts')
  return { path, result: parseResult(readJson(text, path).value, path) }
}

/** The events of a source. A result has none: each of its methods is planned again. */
export async function eventsOf(source: Source, env: NodeJS.ProcessEnv): Promise<EventSource[]> {
  if ('trace' in source) return [source.trace]
  const planned = await replan(source.result, source.path, env)
  return planned.map(({ method, spec, train, stack }) => ({
    kind: 'predicted',
    runtime: stack.name,
    method: planned.length > 1 ? method : '',
    events: simulate(spec, train, stack.dialect, { library: stack.library, steps: 2 }).events,
  }))
}

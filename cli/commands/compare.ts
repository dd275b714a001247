import { predict } from '../../planner/predict/index.ts'
import type { MethodResult } from '../../planner/result/compare.ts'
import { EXIT, UsageError } from '../errors.ts'
import { RUN_FLAGS } from '../flags.ts'
import { compareText, type Tables } from '../output/compare.ts'
import type { Run } from '../usage/command.ts'
import { toolVersion } from '../version.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf, requireModel } from './context.ts'
import { compareDocument } from './documents.ts'
import { checkOutputs, emit, tell, writeReport } from './emit.ts'
import { outcomeOf } from './outcome.ts'
import { headerOf, predictedMethods } from './predicted.ts'
import { prepare } from './prepare.ts'
import type { Prepared } from './prepared.ts'
import { setupOf } from './setup.ts'

const DEFAULT_METHODS = ['full', 'lora', 'lora-fa'] as const

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'compare', textArgument(args, 'model'))
  const { values, terminal } = context
  requireRun(context)
  await checkOutputs(context)
  const model = requireModel(context, 'compare')
  const asked = values.methods ?? DEFAULT_METHODS
  const prepared = await prepare(model, context, asked, terminal)
  let methods: MethodResult[] = predictedMethods(prepared)
  if (values.run === true) {
    const { executedMethods } = await import('./executed.ts')
    methods = await executedMethods(model, context, prepared, methods)
  }
  const about = { command: context.typed, version: toolVersion(), unit: values.unit }
  const compared = compareDocument(prepared, methods, about)
  const matrix = values.matrix === true ? await import('./matrix.ts') : null
  const result = matrix === null ? compared : matrix.withMatrix(compared, prepared)
  emit(context, result, () => {
    const text = compareText(result.result, tablesOf(prepared, methods), pageOf(context))
    return matrix === null ? text : `${text}\n\n${matrix.textOf(result, pageOf(context))}`
  })
  tell(context, result.input.assumptions, result.warnings)
  await writeReport(
    context,
    result,
    setupOf({ command: 'compare', argument: model, methods: asked }, context, prepared),
  )
  if (values.check === true && methods.some((m) => m.estimate.fit?.fits === false)) return EXIT.doesNotFit
  return outcomeOf(methods.flatMap((m) => (m.executed ? [m.executed] : [])))
}

/** Flags of a run say nothing without one. */
function requireRun({ values, placeOf }: Context): void {
  if (values.run === true) return
  const unused = RUN_FLAGS.filter((key) => values[key] !== undefined).map((key) => placeOf(`--${key}`))
  const next = 'Add --run, or leave it out.'
  if (unused.length > 0) throw new UsageError(unused.map((where) => ({ where, message: 'needs --run', next })))
}

function tablesOf(prepared: Prepared, methods: readonly MethodResult[]): Tables {
  const last = prepared.methods.at(-1) ?? prepared.methods[0]
  const body = methods.at(-1)?.estimate ?? predict(prepared.found.spec, last.train, prepared.stack)
  const estimate = headerOf(prepared, last, body)
  const executed = methods.at(-1)?.executed
  if (!executed) return { estimate, executed: null }
  return { estimate, executed: { ...estimate, setting: executed.training, on: executed.stack } }
}

import type { EstimateBody } from '../../planner/result/estimate.ts'
import { EXIT, type Problem, UsageError } from '../errors.ts'
import { writePredictedTrace } from '../files/trace.ts'
import { estimateText } from '../output/estimate.ts'
import { bytesIn } from '../output/numbers.ts'
import type { Run } from '../usage/command.ts'
import { toolVersion } from '../version.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf, requireModel } from './context.ts'
import { estimateDocument } from './documents.ts'
import { checkOutputs, emit, tell, writeReport } from './emit.ts'
import { checkEmit, emitted, writeEmitted } from './launch.ts'
import { headerOf, predicted, shownSetting } from './predicted.ts'
import { prepare } from './prepare.ts'
import type { Prepared, PreparedMethod } from './prepared.ts'
import { setupOf } from './setup.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'estimate', textArgument(args, 'model'))
  const { values, terminal } = context
  requireCheck(context)
  await checkOutputs(context)
  const model = requireModel(context, 'estimate')
  const prepared = await prepare(model, context, [values.method], terminal)
  const [method] = prepared.methods
  checkEmit(prepared, values)
  const launch = await emitted(prepared, method.setting, values)
  const body = await withLaw(predicted(prepared, method), prepared, method, values.law === true)
  const unheard = values.quiet === true && values.json !== true && values.report === undefined
  const about = { command: context.typed, version: toolVersion(), unit: values.unit, unheard }
  const result = estimateDocument(prepared, body, about)
  const page = pageOf(context)
  const explained = values.explain === true ? (await import('../output/explain.ts')).explainText(body, page) : ''
  const law = body.law.maximum ? (await import('../output/law.ts')).lawText(body.law.maximum, page) : ''
  const text = (): string =>
    [estimateText(body, headerOf(prepared, method, body), page), explained, law]
      .filter((part) => part !== '')
      .join('\n\n')
  const verdict = values.check_format === undefined ? undefined : await verdictText(context, prepared, method, body)
  emit(context, result, () => verdict ?? text())
  tell(context, result.input.assumptions, result.warnings)
  await writeReport(
    context,
    result,
    setupOf({ command: 'estimate', argument: model, methods: [values.method ?? null] }, context, prepared),
  )
  if (values.trace !== undefined) {
    writePredictedTrace(values.trace, prepared.found.spec, shownSetting(prepared, method), prepared.stack)
    terminal.say(`trace: ${values.trace}`)
  }
  writeEmitted(context, launch)
  return values.check === true && body.fit?.fits === false ? EXIT.doesNotFit : EXIT.done
}

/** A verdict needs something to fit into. */
function requireCheck({ values, placeOf }: Context): void {
  const { check, check_format: format, gpu, json } = values
  const problems: Problem[] = []
  const say = (flag: string, message: string, next: string): void => {
    problems.push({ where: placeOf(flag), message, next })
  }
  if (check === true && gpu === undefined)
    say('--check', 'needs --gpu, to fit into', 'Say --gpu rtx4090 or --gpu 80GiB.')
  if (format !== undefined && check !== true)
    say('--check-format', 'belongs to --check', 'Add --check, or leave it out.')
  if (format !== undefined && json === true) say('--check-format', 'and --json are two outputs', 'Choose one.')
  if (problems.length > 0) throw new UsageError(problems)
}

async function verdictText(
  { values, files }: Context,
  { found }: Prepared,
  { method }: PreparedMethod,
  { fit, peak, ranks }: EstimateBody,
): Promise<string | undefined> {
  if (fit === null) return undefined
  const { githubAnnotation, junitXml, verdictLine } = await import('../output/verdict.ts')
  const told = { text: verdictLine, github: githubAnnotation, junit: junitXml }[values.check_format ?? 'text']
  return told(
    { name: `${found.spec.name} ${method}`, fit, peak, ranks, file: files?.reports[0]?.file },
    bytesIn(values.unit),
  )
}

/** Every branch of the peak, where it is asked for: it takes a few predictions' time. */
async function withLaw(body: EstimateBody, prepared: Prepared, method: PreparedMethod, asked: boolean) {
  if (!asked) return body
  const [{ lawBranches }, { describeDimensions }] = await Promise.all([
    import('../../planner/predict/law.ts'),
    import('../../models/describe.ts'),
  ])
  const { found, stack } = prepared
  const maximum = lawBranches(found.spec, shownSetting(prepared, method), stack, describeDimensions(found.spec))
  return { ...body, law: { ...body.law, maximum } }
}

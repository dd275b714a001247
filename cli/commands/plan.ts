import type { Gpu } from '../../planner/predict/index.ts'
import type { TrainingSetting } from '../../planner/result/common.ts'
import type { PlanBody, PlanResult } from '../../planner/result/plan.ts'
import type { Parallelism } from '../../planner/training/parallelism.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { EXIT, type Problem, UsageError } from '../errors.ts'
import { resolveGpu } from '../gpus.ts'
import { plural } from '../output/numbers.ts'
import { ProgressBar } from '../output/progress.ts'
import type { Run } from '../usage/command.ts'
import { toolVersion } from '../version.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf, requireModel } from './context.ts'
import { checkOutputs, emit, tell, writeReport } from './emit.ts'
import { checkEmit, emitted, writeEmitted } from './launch.ts'
import { headerOf } from './predicted.ts'
import { prepare } from './prepare.ts'
import { inputOf } from './prepared.ts'

const DEFAULT_TOP = 8

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'plan', textArgument(args, 'model'))
  const { values, terminal } = context
  const gpu = deviceOf(context)
  requireSearch(context)
  await checkOutputs(context)
  const prepared = await prepare(requireModel(context, 'plan'), context, [values.method], terminal)
  const [method] = prepared.methods
  refuseUnsearched(method.train)
  checkEmit(prepared, values)
  const [{ plan: solve }, { planText }] = await Promise.all([
    import('../../planner/solve/index.ts'),
    import('../output/plan.ts'),
  ])
  const bar = new ProgressBar(terminal, prepared.found.spec.name)
  const place = { model: prepared.found.spec, stack: prepared.stack, gpu, config: prepared.allocator }
  const body = solve(place, method.train, {
    maximize: values.maximize ?? null,
    fixed: new Set(values.fix ?? []),
    top: Math.max(values.top ?? DEFAULT_TOP, values.pick ?? 1),
    onProgress: (lever, step, of) => bar.update({ phase: lever, step, of }),
  })
  bar.clear()
  const picked = pickedOf(body, context)
  const launch = picked && (await emitted(prepared, picked, values))
  const result: PlanResult = {
    schema: 'tidemark/plan@1',
    tool: { name: 'tidemark', version: toolVersion() },
    command: context.typed,
    input: inputOf(prepared),
    result: body,
    warnings: prepared.warnings,
  }
  const about = headerOf(prepared, method, body.asked)
  emit(context, result, () => planText(body, about, pageOf(context)))
  tell(context, result.input.assumptions, result.warnings)
  await writeReport(context, result, null)
  writeEmitted(context, launch)
  if (values.emit !== undefined && launch === undefined) return EXIT.doesNotFit
  return values.check === true && !body.asked.fits ? EXIT.doesNotFit : EXIT.done
}

/** Files are written for one of the settings that a search shows. */
function requireSearch({ values, placeOf }: Context): void {
  const problems: Problem[] = []
  if (values.pick !== undefined && values.emit === undefined)
    problems.push({ where: placeOf('--pick'), message: 'belongs to --emit', next: 'Say --emit trl, or leave it out.' })
  if (values.emit !== undefined && values.maximize !== undefined) {
    const message = 'and --maximize do not go together: settings are searched without it'
    problems.push({ where: placeOf('--emit'), message, next: 'Leave one out, or give the size to estimate --emit.' })
  }
  if (problems.length > 0) throw new UsageError(problems)
}

/** The setting that `--emit` starts: the first, or the one picked; undefined where none fits. @throws UsageError beyond the last */
function pickedOf({ search }: PlanBody, { values, placeOf, terminal }: Context): TrainingSetting | undefined {
  const { emit: tool, pick = 1 } = values
  if (tool === undefined) return undefined
  const options = search?.options ?? []
  const picked = options[pick - 1]
  if (picked !== undefined) return picked.training
  if (options.length > 0) {
    const message = `is ${pick}; the plan shows ${plural(options.length, 'setting')}`
    throw new UsageError([{ where: placeOf('--pick'), message, next: `Say one from 1 to ${options.length}.` }])
  }
  terminal.complain(`--emit ${tool}: nothing that was searched fits, no files are written`)
  return undefined
}

/** @throws UsageError for ranks that a search would be wrong with */
function refuseUnsearched({ parallelism }: TrainSpec): void {
  const found = UNSEARCHED.find(({ is }) => parallelism !== undefined && is(parallelism))
  if (!found) return
  const { where, message } = found
  const next = 'estimate and compare --matrix take it; plan takes --fsdp.'
  throw new UsageError([{ where, message: `is not searched: ${message}`, next }])
}

const UNSEARCHED: readonly {
  readonly where: string
  readonly is: (parallelism: Parallelism) => boolean
  readonly message: string
}[] = [
  {
    where: '--zero',
    is: ({ data }) => data.kind === 'zero',
    message: 'which rank holds most is found rank by rank, and a search would look at one',
  },
  {
    where: '--pp',
    is: ({ pipeline }) => pipeline !== undefined,
    message: 'which stage holds most changes with what is searched, and a search would look at one',
  },
  {
    where: '--tp',
    is: ({ tensor }) => tensor !== undefined,
    message: 'much of what would be tried is not modelled over pieces of layers',
  },
]

/** What has to be fitted into: a device, of which `--budget` may leave a part, or a size. @throws UsageError where neither is said */
function deviceOf({ values, placeOf }: Context): Gpu {
  const budget = values.budget === undefined ? null : resolveGpu(values.budget, placeOf('--budget'))
  const gpu = values.gpu === undefined ? budget : resolveGpu(values.gpu, placeOf('--gpu'))
  if (gpu === null) {
    const next = 'Say --gpu rtx4090, --gpu 80GiB or --budget 20GiB; `tidemark devices` lists GPUs.'
    throw new UsageError([{ where: 'plan', message: 'needs something to fit into', next }])
  }
  return budget === null ? gpu : { ...gpu, bytes: Math.min(gpu.bytes, budget.bytes) }
}

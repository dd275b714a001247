import type { Gpu } from '../../planner/predict/index.ts'
import type { PlanResult } from '../../planner/result/plan.ts'
import type { Parallelism } from '../../planner/training/parallelism.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { EXIT, UsageError } from '../errors.ts'
import { resolveGpu } from '../gpus.ts'
import { ProgressBar } from '../output/progress.ts'
import type { Run } from '../usage/command.ts'
import { toolVersion } from '../version.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf, requireModel } from './context.ts'
import { checkOutputs, emit, tell } from './emit.ts'
import { headerOf } from './predicted.ts'
import { prepare } from './prepare.ts'
import { inputOf } from './prepared.ts'

const DEFAULT_TOP = 8

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'plan', textArgument(args, 'model'))
  const { values, terminal } = context
  const gpu = deviceOf(context)
  await checkOutputs(context)
  const prepared = await prepare(requireModel(context, 'plan'), context, [values.method], terminal)
  const [method] = prepared.methods
  refuseUnsearched(method.train)
  const [{ plan: solve }, { planText }] = await Promise.all([
    import('../../planner/solve/index.ts'),
    import('../output/plan.ts'),
  ])
  const bar = new ProgressBar(terminal, prepared.found.spec.name)
  const place = { model: prepared.found.spec, stack: prepared.stack, gpu, config: prepared.allocator }
  const body = solve(place, method.train, {
    maximize: values.maximize ?? null,
    fixed: new Set(values.fix ?? []),
    top: values.top ?? DEFAULT_TOP,
    onProgress: (lever, step, of) => bar.update({ phase: lever, step, of }),
  })
  bar.clear()
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
  return values.check === true && !body.asked.fits ? EXIT.doesNotFit : EXIT.done
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
    message: 'most of what would be tried is not modelled over pieces of layers, adapters among it',
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

import { describeDimensions } from '../../models/describe.ts'
import { type AllocatorConfig, parseAllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { networkOf } from '../../planner/network/index.ts'
import { CURRENT, EXECUTED } from '../../planner/network/library.ts'
import type { Gpu } from '../../planner/predict/index.ts'
import { DEFAULT_STACK, resolveStack, type Stack } from '../../planner/predict/stack.ts'
import type { Input } from '../../planner/result/common.ts'
import { numel } from '../../planner/trace/axes.ts'
import type { Defaults } from '../../planner/training/defaults.ts'
import type { METHOD_NAMES } from '../../planner/training/options.ts'
import { type ResolvedTraining, resolveTraining } from '../../planner/training/resolve.ts'
import { type Problem, UsageError } from '../errors.ts'
import { resolveGpu } from '../gpus.ts'
import { type Adapted, adaptedLinears } from '../model/adapted.ts'
import { type FoundModel, resolveModel } from '../model/resolve.ts'
import { grouped } from '../output/numbers.ts'
import type { FromFiles } from '../settings/files.ts'
import { type Given, problemsOf } from '../settings/read.ts'

/** One method's setting, with the linears it adapts. */
export interface PreparedMethod extends ResolvedTraining {
  readonly method: string
  readonly adapted: Adapted
}

export interface Prepared {
  readonly found: FoundModel
  readonly stack: Stack
  readonly gpu: Gpu | null
  readonly allocator: AllocatorConfig
  /** At least one, in the order asked for. */
  readonly methods: readonly [PreparedMethod, ...PreparedMethod[]]
  readonly warnings: string[]
  /** What the files of `--config` were taken for. */
  readonly files: FromFiles | undefined
}

type Method = (typeof METHOD_NAMES)[number]

/**
 * Finds the model, the stack and the GPU and fills in every method's setting.
 *
 * @param methods undefined takes the default method
 * @param engine runs the step itself: its defaults hold in place of a stack's
 * @throws UsageError with everything that is wrong
 */
export async function prepare(
  model: string,
  given: Given,
  methods: readonly (Method | undefined)[],
  options: { env: NodeJS.ProcessEnv; engine?: string },
): Promise<Prepared> {
  const { values, placeOf, files } = given
  const problems: Problem[] = []
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      problems.push(...problemsOf(error, placeOf))
      return undefined
    }
  }
  const stack = attempt(() => resolveStack(values.stack ?? DEFAULT_STACK))
  const gpu = attempt(() => (values.gpu === undefined ? null : resolveGpu(values.gpu, placeOf('--gpu'))))
  const allocator = attempt(() => parseAllocatorConfig(values.alloc_conf ?? '', placeOf('--alloc-conf')))
  let found: FoundModel | undefined
  try {
    found = await resolveModel(model, { task: values.task, layers: values.layers }, options.env)
  } catch (error) {
    const fromFile = files?.model?.where
    const next = (p: Problem) =>
      p.where === fromFile ? `${p.next} Or name another model on the command line.` : p.next
    problems.push(...problemsOf(error, placeOf).map((p) => ({ ...p, next: next(p) })))
  }
  if (found === undefined || stack === undefined || gpu === undefined || allocator === undefined)
    throw new UsageError(problems)
  const { spec } = found
  const defaults: Defaults = options.engine === undefined ? { stack: stack.name } : { engine: options.engine }
  const library = options.engine === undefined ? CURRENT : EXECUTED
  const prepared: PreparedMethod[] = []
  for (const method of methods) {
    const one = attempt(() => {
      const resolved = resolveTraining(spec, { ...values, method }, defaults)
      const adapted = adaptedLinears(spec, resolved.train, library)
      return { ...resolved, method: method ?? resolved.train.method, adapted }
    })
    if (one) prepared.push(one)
  }
  const [first, ...rest] = prepared
  if (problems.length > 0 || !first) throw new UsageError(unique(problems))
  const told = [
    ...(files?.warnings ?? []),
    ...(found.warnings ?? []),
    ...miscounted(found, first),
    ...prepared.flatMap((m) => [...m.warnings, ...m.adapted.warnings]),
  ]
  // an option that one of several methods does not use is no mistake
  const warnings = [...new Set(told)].filter(
    (w) => prepared.length === 1 || !w.startsWith('full fine-tuning has no adapter'),
  )
  return { found, stack, gpu, allocator, methods: [first, ...rest], warnings, files }
}

/** Where the checkpoint holds other weights than the model that its config describes. Tied weights may be stored twice. */
function miscounted({ spec, weights }: FoundModel, { train }: PreparedMethod): string[] {
  if (weights === undefined || spec.provenance.layers?.source === 'override') return []
  const plain = { ...train, method: 'full', adapter: null, attention: 'eager' } as const
  const { parameters } = networkOf(spec, plain)
  const modelled = parameters.reduce((n, { axes }) => n + numel(axes), 0)
  if (weights.parameters === modelled) return []
  return [
    `the checkpoint holds ${grouped(weights.parameters)} parameters in ${weights.tensors} tensors, the model ${grouped(modelled)}: the model's are predicted`,
  ]
}

/** The `input` of a result. A comparison prints the setting of its last method, which has all the adapter's fields. */
export function inputOf({ found, stack, methods, files }: Prepared, engine?: string): Input {
  const { spec, source, weights } = found
  const shown = methods.at(-1) ?? methods[0]
  const kept = spec.provenance.layers?.source === 'override' ? [cutNote(shown.setting.layers)] : []
  return {
    model: {
      name: spec.name,
      architecture: spec.architecture,
      family: spec.family,
      source,
      dimensions: describeDimensions(spec),
      ...(weights === undefined ? {} : { weights: { ...weights, dtypes: { ...weights.dtypes } } }),
    },
    training: shown.setting,
    stack: engine ?? stack.name,
    assumptions: [...kept, ...(files?.assumptions ?? []), ...shown.assumptions],
    ...(files === undefined ? {} : { config: files.reports.map(reportOf) }),
  }
}

const reportOf = ({ file, format, read, ignored, overridden }: FromFiles['reports'][number]) => ({
  file,
  format,
  read: [...read],
  ignored: [...ignored],
  overridden: [...overridden],
})

const cutNote = (layers: number | undefined) => ({
  what: 'layers',
  value: `cut to the first ${layers ?? '?'}`,
  from: '--layers: the figures are for the cut model',
})

function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((p) => [`${p.where}|${p.message}`, p]))
  return [...seen.values()]
}

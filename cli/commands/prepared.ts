import { describeDimensions } from '../../models/describe.ts'
import type { ModelSpec } from '../../models/spec.ts'
import type { AllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { networkOf } from '../../planner/network/index.ts'
import { EXECUTED, type Library } from '../../planner/network/library.ts'
import type { Gpu } from '../../planner/predict/index.ts'
import type { Stack } from '../../planner/predict/stack.ts'
import type { Input } from '../../planner/result/common.ts'
import { refuseUndivided } from '../../planner/shard/index.ts'
import { numel } from '../../planner/trace/axes.ts'
import type { Defaults } from '../../planner/training/defaults.ts'
import type { METHOD_NAMES, TrainingOptions } from '../../planner/training/options.ts'
import { undivided } from '../../planner/training/parallelism.ts'
import { type ResolvedTraining, resolveTraining } from '../../planner/training/resolve.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { type Problem, UsageError } from '../errors.ts'
import { type Adapted, adaptedLinears } from '../model/adapted.ts'
import type { FoundModel } from '../model/resolve.ts'
import { grouped } from '../output/numbers.ts'
import { problemsOf } from '../problems.ts'
import type { FromFiles } from '../settings/files.ts'

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

export type Method = (typeof METHOD_NAMES)[number]

/** What a person asked for, found: the model, and what to predict it for. */
export interface Asked {
  readonly found: FoundModel
  readonly stack: Stack
  readonly gpu: Gpu | null
  readonly allocator: AllocatorConfig
  readonly options: TrainingOptions
  /** Undefined takes the default method. */
  readonly methods: readonly (Method | undefined)[]
  /** Runs the step itself: its defaults hold in place of a stack's. */
  readonly engine?: string | undefined
  readonly files?: FromFiles | undefined
}

/**
 * Fills in every method's setting. Pure: the page of a report does the same.
 *
 * @throws UsageError with everything that is wrong
 */
export function prepareMethods(asked: Asked, placeOf: (flag: string) => string = (flag) => flag): Prepared {
  const { found, stack, gpu, allocator, options, engine, files } = asked
  const defaults: Defaults = engine === undefined ? { stack: stack.name } : { engine }
  const library = engine === undefined ? stack.library : EXECUTED
  const problems: Problem[] = []
  const prepared: PreparedMethod[] = []
  for (const method of asked.methods) {
    try {
      const resolved = resolveTraining(found.spec, { ...options, method }, defaults)
      refuseUndivided(found.spec, resolved.train, library)
      const adapted = adaptedLinears(found.spec, resolved.train, library)
      prepared.push({ ...resolved, method: method ?? resolved.train.method, adapted })
    } catch (error) {
      problems.push(...problemsOf(error, placeOf))
    }
  }
  const [first, ...rest] = prepared
  if (problems.length > 0 || !first) throw new UsageError(unique(problems))
  const told = [
    ...(files?.warnings ?? []),
    ...(found.warnings ?? []),
    ...miscounted(found, first, library),
    ...prepared.flatMap((m) => [...m.warnings, ...m.adapted.warnings]),
  ]
  // an option that one of several methods does not use is no mistake
  const warnings = [...new Set(told)].filter(
    (w) => prepared.length === 1 || !w.startsWith('full fine-tuning has no adapter'),
  )
  return { found, stack, gpu, allocator, methods: [first, ...rest], warnings, files }
}

/** Parameters of the whole model, whatever is added to it and however it is divided. */
export function parametersOf(spec: ModelSpec, train: TrainSpec, library: Library): number {
  const plain = { ...undivided(train), method: 'full', adapter: null, attention: 'eager' } as const
  const { parameters } = networkOf(spec, plain, library)
  return parameters.reduce((n, { axes }) => n + numel(axes), 0)
}

/** Where the checkpoint holds other weights than the model that its config describes. Tied weights may be stored twice. */
function miscounted({ spec, weights }: FoundModel, { train }: PreparedMethod, library: Library): string[] {
  if (weights === undefined || spec.provenance.layers?.source === 'override') return []
  const modelled = parametersOf(spec, train, library)
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

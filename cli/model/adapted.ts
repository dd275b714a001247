import { nearest } from '../../models/nearest.ts'
import type { ModelSpec } from '../../models/spec.ts'
import { networkOf } from '../../planner/network/index.ts'
import { CURRENT, type Library } from '../../planner/network/library.ts'
import type { Parameter } from '../../planner/ops/ops.ts'
import { numel } from '../../planner/trace/axes.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { foldScope } from '../../planner/trace/scope.ts'
import { undivided } from '../../planner/training/parallelism.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'

const A = '.lora_A.default.weight'
const ADDED = /\.(lora_A|lora_B|lora_magnitude_vector|modules_to_save)\./

/** The linears that carry an adapter, and whether every target found one. */
export interface Adapted {
  readonly count: number
  /** Number of different linears of one layer. */
  readonly kinds: number
  /** Parameters that PEFT adds to the model's own. */
  readonly added: number
  readonly warnings: string[]
}

/**
 * Which linears the targets found. PEFT fails if none is found and passes over a target that finds nothing: the first is refused,
 * the second told.
 *
 * @throws Refusal naming the linears there are
 */
export function adaptedLinears(model: ModelSpec, train: TrainSpec, library: Library = CURRENT): Adapted {
  if (train.adapter === null) return { count: 0, kinds: 0, added: 0, warnings: [] }
  const known = found.get(model) ?? new Map<string, Adapted>()
  const { method, adapter, quantize, task } = train
  const key = JSON.stringify([library.name, method, adapter, quantize, task])
  const adapted = known.get(key) ?? findAdapted(model, train, library)
  found.set(model, known.set(key, adapted))
  return adapted
}

/** A page asks for other batches and lengths of the same model, which have the same linears. */
const found = new WeakMap<ModelSpec, Map<string, Adapted>>()

function findAdapted(model: ModelSpec, train: TrainSpec, library: Library): Adapted {
  const { parameters } = networkOf(model, undivided(train), library)
  const paths = adaptedPaths(parameters)
  const targets = train.adapter?.targets ?? []
  const unmatched = targets.filter((t) => t !== 'all-linear' && !paths.some((p) => p === t || p.endsWith(`.${t}`)))
  const missing = targets.includes('all-linear') ? [] : unmatched
  if (paths.length === 0) {
    const message = `${targets.join(', ')} ${targets.length === 1 ? 'matches' : 'match'} no linear of ${model.name}`
    throw new Refusal('no-target', '--target-modules', message, suggestion(missing, linearNames(model, train, library)))
  }
  const warnings = missing.map(
    (t) => `--target-modules ${t} matches no linear of ${model.name}; PEFT passes over it too`,
  )
  const added = parameters.filter((p) => ADDED.test(p.path)).reduce((n, p) => n + numel(p.axes), 0)
  return { count: paths.length, kinds: new Set(paths.map(foldScope)).size, added, warnings }
}

function adaptedPaths(parameters: readonly Parameter[]): string[] {
  return parameters.filter((p) => p.path.endsWith(A)).map((p) => p.path.slice(0, -A.length))
}

/** Names of all linears but the head, as targets are written. */
function linearNames(model: ModelSpec, train: TrainSpec, library: Library): string[] {
  const everything = { ...train, adapter: train.adapter && { ...train.adapter, targets: ['all-linear'] } }
  return [
    ...new Set(
      adaptedPaths(networkOf(model, undivided(everything), library).parameters).map(
        (path) => path.split('.').at(-1) ?? path,
      ),
    ),
  ]
}

function suggestion(missing: readonly string[], names: readonly string[]): string {
  const near = missing.flatMap((t) => nearest(t, names, 1))
  const start = near.length > 0 ? `Did you mean ${[...new Set(near)].join(', ')}? ` : ''
  return `${start}Its linears: ${names.join(', ')}; or say all-linear.`
}

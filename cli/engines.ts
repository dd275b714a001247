import type { ModelSpec } from '../models/spec.ts'
import { ENGINE_TABLE } from '../planner/execute/engines/table.ts'
import { formatBytes } from '../planner/trace/bytes.ts'
import { ENGINE_NAMES, type EngineName } from '../planner/trace/engine-names.ts'
import type { TrainSpec } from '../planner/training/spec.ts'
import { EngineError, type Problem, UsageError } from './errors.ts'
import type { Values } from './flags.ts'

/** Engines that may run a step: the one that was asked for, or all that are here, the fastest first. @throws EngineError */
export async function candidatesFor(name: Values['engine']): Promise<readonly [EngineName, ...EngineName[]]> {
  if (name !== undefined && name !== 'auto') return [await engineAskedFor(name)]
  const here: EngineName[] = []
  // plain JavaScript is for checking: nobody waits for it unasked
  for (const engine of ENGINE_NAMES) {
    if (engine !== 'cpu' && (await ENGINE_TABLE[engine].missing()) === null) here.push(engine)
  }
  const [first = 'wasm', ...rest] = here
  return [first, ...rest]
}

/**
 * Engines that may train over many batches: a study writes each batch where it lies, in the host's memory.
 *
 * @throws EngineError for one whose tensors lie on a device
 */
export async function hostCandidatesFor(name: Values['engine']): Promise<readonly [EngineName, ...EngineName[]]> {
  const [first, ...rest] = (await candidatesFor(name)).filter((engine) => ENGINE_TABLE[engine].memory === 'host')
  if (first !== undefined) return [first, ...rest]
  const message = `a study needs an engine in the host's memory; the tensors of ${name ?? 'auto'} lie on a device`
  throw new EngineError(message, 'Say --engine tfjs-node or --engine wasm.')
}

/**
 * The fastest of these engines that holds what the runs are predicted to need.
 *
 * @throws EngineError where none holds it, with the command that would fit
 */
export async function fastestThatHolds(
  candidates: readonly [EngineName, ...EngineName[]],
  runs: readonly { readonly model: ModelSpec; readonly train: TrainSpec }[],
  typed: string,
): Promise<EngineName> {
  const { layersThatFit, peakOfRun } = await import('../planner/run/capacity.ts')
  let [roomiest, most] = [candidates[0], 0]
  let peak = 0
  for (const engine of candidates) {
    peak = Math.max(...runs.map((run) => peakOfRun({ ...run, engine })))
    const capacity = await ENGINE_TABLE[engine].capacity()
    // What does not tell its memory is taken where it is named, not where another one is known to hold the step.
    if (capacity === null ? candidates.length === 1 : peak <= capacity) return engine
    if (capacity !== null && capacity > most) [roomiest, most] = [engine, capacity]
  }
  const layers = runs.map((run) => layersThatFit({ ...run, engine: roomiest }, most) ?? 0)
  const fits = Math.min(...layers)
  const command = `${typed.replace(/ --layers[ =]\d+/, '')} --layers ${fits}`
  const next = fits > 0 ? `The first ${fits} layers fit: \`${command}\`.` : 'Take a smaller --batch-size or --seq-len.'
  const message = `the step peaks at ${formatBytes(peak)}, and the most an engine here can hold is ${formatBytes(most)} (${roomiest})`
  throw new EngineError(message, next)
}

async function engineAskedFor(name: EngineName): Promise<EngineName> {
  const { missing, install } = ENGINE_TABLE[name]
  const why = await missing()
  if (why === null) return name
  const next = install === null ? 'Say --engine wasm or --engine cpu' : `Type \`${install}\``
  throw new EngineError(`the engine ${name} is not there: ${why}`, `${next}; \`tidemark engines list\` shows all.`)
}

/** An engine computes in float32: another type that was asked for by name is refused, and packed weights. */
export function refuseWhatEnginesLack(values: Values, engine: EngineName, placeOf: (flag: string) => string): void {
  const problems: Problem[] = []
  if (values.dtype !== undefined && values.dtype !== 'float32') {
    const message = `is ${values.dtype}; the ${engine} engine computes in float32`
    problems.push({ where: placeOf('--dtype'), message, next: 'Say --dtype float32, or estimate for a PyTorch stack.' })
  }
  if (values.autocast !== undefined && values.autocast !== 'none') {
    const message = `is ${values.autocast}; the ${engine} engine computes in float32`
    problems.push({ where: placeOf('--autocast'), message, next: 'Leave it out.' })
  }
  const elsewhere = [
    ['--quantize', values.quantize !== undefined && values.quantize !== 'none'],
    ['--method', values.method?.startsWith('qlora') === true],
  ] as const
  for (const [flag, asked] of elsewhere) {
    const message = `is not executed by the ${engine} engine yet`
    if (asked) problems.push({ where: placeOf(flag), message, next: 'Leave it out, or estimate for a PyTorch stack.' })
  }
  if (problems.length > 0) throw new UsageError(problems)
}

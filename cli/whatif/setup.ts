import type { ModelSpec } from '../../models/spec.ts'
import type { Input } from '../../planner/result/common.ts'
import type { CompareResult } from '../../planner/result/compare.ts'
import type { EstimateResult } from '../../planner/result/estimate.ts'
import type { TrainingOptions } from '../../planner/training/options.ts'
import type { Method } from '../commands/prepared.ts'

/** What a page needs to ask the planner again: the command's model and what it was given, not what it filled in. */
export interface Setup {
  readonly command: 'estimate' | 'compare'
  /** The model as it was typed. */
  readonly argument: string
  readonly model: ModelSpec
  readonly source: string
  /** Without the method. */
  readonly options: TrainingOptions
  /** One for `estimate`; null where none was said (a page holds its setup as JSON). */
  readonly methods: readonly (Method | null)[]
  readonly stack: string
  readonly gpu: string | null
  /** `PYTORCH_CUDA_ALLOC_CONF`, as it was given. */
  readonly allocator: string
  readonly version: string
}

/** Predictions that can be asked again; a run cannot be run in a page. */
export type Predicted = EstimateResult | CompareResult

/**
 * A saved result's own question, read back from what it says: a value that is listed as assumed was not given. What a method's
 * name stands for (`qlora`) is its own and not the others'.
 */
export function setupFromResult(saved: Predicted, model: ModelSpec, argument: string): Setup {
  const { input } = saved
  const { method, ...given } = givenOptions(input, saved.schema === 'tidemark/estimate@1')
  const compared = saved.schema === 'tidemark/compare@1'
  // names in a result that was checked are those of methods
  const methods = compared ? saved.result.methods.map((m) => m.method as Method) : [method ?? null]
  const fit = compared ? saved.result.methods[0]?.estimate.fit : saved.result.fit
  return {
    command: compared ? 'compare' : 'estimate',
    argument,
    model,
    source: input.model.source,
    options: given,
    methods,
    stack: input.stack,
    gpu: fit?.gpu ?? null,
    allocator: '',
    version: saved.tool.version,
  }
}

function givenOptions({ training, assumptions }: Input, keepMethods: boolean): TrainingOptions {
  const assumed = new Set(
    assumptions
      .filter((a) => a.what !== 'layers' && !(keepMethods && a.from.startsWith('--method ')))
      .map((a) => a.what.replaceAll('-', '_')),
  )
  // a switch that is off was not given: off is what all of them are without a word
  const given = Object.entries(training).filter(([key, v]) => v !== false && key !== 'seed' && !assumed.has(key))
  // a setting in a checked result holds the values that the options take
  return Object.fromEntries(given) as TrainingOptions
}

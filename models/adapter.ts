import type { Fields } from './fields.ts'
import type { ModelSpec, Provenance, Task, WeightDType } from './spec.ts'

/** A class of a modeling file, as `architectures` names it, and what it is taken as. */
export interface ArchitectureClass {
  readonly task: Task
  /**
   * The class that is modelled instead: fine-tuning puts a classification head on what was pretrained with another one.
   * Recorded as a default in the provenance.
   */
  readonly takenAs?: string
}

/** What every adapter fills in the same way. */
export interface Common {
  readonly name: string
  readonly architecture: string
  readonly modelType: string
  readonly task: Task
  readonly dtype: WeightDType
  readonly provenance: Readonly<Record<string, Provenance>>
}

/** Turns the config.json of one family into a spec. */
export interface Adapter {
  /** `model_type` → class name → what it is; the first class is assumed when `architectures` is missing. */
  readonly classes: Readonly<Record<string, Readonly<Record<string, ArchitectureClass>>>>
  /** Keys that `read` looks at: an unknown key next to one of them is a misspelling. */
  readonly keys: readonly string[]
  /**
   * Reads the spec. Errors are collected in `fields.issues`, never thrown; the spec is meaningless if there are any.
   *
   * @param layers keep only the first so many layers of each stack
   */
  readonly read: (fields: Fields, common: Common, layers: number | undefined) => ModelSpec
}

/**
 * The number of layers of one stack when the first `keep` are kept; notes the override, and the issue if not even the
 * deepest stack has so many.
 */
export function keepLayers(
  fields: Fields,
  field: string,
  published: number,
  keep: number | undefined,
  deepest = published,
): number {
  if (keep === undefined) return published
  fields.note(field, 'override', 'layers')
  const possible = Number.isInteger(keep) && keep >= 1 && keep <= deepest
  const known = fields.issues.some((issue) => issue.where === LAYERS_OVERRIDE)
  if (!possible && !known && fields.valid('layers', 'decoderLayers')) {
    const expected = `an integer from 1 to ${deepest}, the layers of the model`
    const next = 'Keep fewer layers, or leave the option out.'
    fields.issues.push({ code: 'out-of-range', where: LAYERS_OVERRIDE, message: `is ${keep}`, expected, next })
  }
  return possible ? Math.min(keep, published) : published
}

/** Where an issue about the number of layers asked for stands: the flag has this name. */
const LAYERS_OVERRIDE = '--layers'

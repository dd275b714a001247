import type { Parameter } from '../ops/ops.ts'
import { initialValues } from '../run/values.ts'

/** A model's weights by their names in `state_dict()` of the plain model, row by row. */
export type WeightValues = ReadonlyMap<string, Float32Array>

/** The name that a parameter has in the model without adapters: PEFT's wrappers are taken off. */
export const plainPath = (path: string): string =>
  path.replace(/\.(base_layer|original_module|modules_to_save\.default)(?=\.)/g, '')

/** The head of a classifier, which no pre-training has: it starts anew with every seed. */
export const isHead = (path: string): boolean => /^(pre_classifier|classifier|score)\b/.test(path)

/**
 * First values of a parameter: the base model's, or where it has none (adapters, a new head) its own start, drawn by the seed. The
 * same seed gives LoRA and LoRA-FA the same A, and all methods the same head.
 */
export function startOf(p: Parameter, base: WeightValues, seed: number): Float32Array | Int32Array {
  const path = plainPath(p.path)
  return (p.kind === 'parameter' ? base.get(path) : undefined) ?? initialValues({ ...p, path }, seed)
}

import { CATALOG, type CatalogEntry } from './catalog/index.ts'
import { type Overrides, readConfig } from './config.ts'
import { ModelError } from './issue.ts'
import { didYouMean } from './nearest.ts'
import { objectSource, printable } from './source.ts'
import type { ModelSpec } from './spec.ts'

export type { CatalogEntry } from './catalog/index.ts'
export { knownModelTypes, type Overrides } from './config.ts'
export { describeDimensions } from './describe.ts'
export { formatIssue, type Issue, type IssueCode, ModelError } from './issue.ts'
export { UNLIMITED_POSITIONS } from './limits.ts'
export { didYouMean, nearest } from './nearest.ts'
export { parseModelText, type TextOptions } from './parse.ts'
export { type KnownRepository, knownRepository } from './repositories.ts'
export type * from './spec.ts'
export { TASKS } from './spec.ts'

/** The models known by name, in the catalog's order: by family, then by size. */
export function listModels(): string[] {
  return Object.keys(CATALOG)
}

/** A catalog entry by its name (case does not count), `undefined` if there is none. */
export function catalogEntry(name: string): CatalogEntry | undefined {
  const key = name.toLowerCase()
  return Object.hasOwn(CATALOG, key) ? CATALOG[key] : undefined
}

/**
 * The spec of a model known by name.
 *
 * @throws ModelError code `unknown-model` with the nearest names, or what is wrong with the overrides
 */
export function specFromCatalog(name: string, overrides: Overrides = {}): ModelSpec {
  const entry = catalogEntry(name)
  if (entry === undefined) {
    const next = `${didYouMean(name, listModels(), '')} \`tidemark models list\` shows all names.`.trim()
    const message = `"${printable(name)}" is not in the catalog`
    const expected = 'a catalog name, a path to a config.json, or a description'
    throw new ModelError([{ code: 'unknown-model', where: 'model', message, expected, next }])
  }
  const key = name.toLowerCase()
  return readConfig(objectSource(`catalog ${key}`, entry.config), key, 'catalog', overrides)
}

/** How to read a config that is already parsed. */
export interface ConfigOptions extends Overrides {
  /** What a person calls the model. */
  readonly name: string
  /** What errors call the file: `config.json`. */
  readonly source?: string | undefined
}

/**
 * The spec of a parsed Hugging Face config.json. `parseModelText` tells line and column too.
 *
 * @throws ModelError with everything that is wrong; code `unknown-architecture` for a family that is not modelled
 */
export function specFromConfig(config: unknown, options: ConfigOptions): ModelSpec {
  return readConfig(objectSource(options.source ?? 'config.json', config), options.name, 'config', options)
}

/** The JSON Schema (draft 2020-12) of an architecture description. Loads zod. */
export async function descriptionSchema(): Promise<Record<string, unknown>> {
  return (await import('./description-schema.ts')).toJsonSchema()
}

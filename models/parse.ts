import { type Overrides, readConfig } from './config.ts'
import { ModelError, throwIfAny } from './issue.ts'
import { readJson } from './json.ts'
import { inspectTree, MAX_JSON_LENGTH, textTooLong } from './limits.ts'
import type { Source } from './source.ts'
import type { ModelSpec } from './spec.ts'

/** How to read a text. */
export interface TextOptions extends Overrides {
  /** What a person calls the model, unless the text says. */
  readonly name: string
  /** What errors call the text (`config.json`, `-`); its ending decides between JSON and YAML if it has one. */
  readonly filename: string
}

/**
 * Reads a model from the text of a file: a Hugging Face config.json or a description, in JSON or YAML. The parsers of
 * YAML and of descriptions are loaded only for texts that need them.
 *
 * @param text at most 8 MiB as JSON, 64 KiB as YAML: checked before it is parsed
 * @throws ModelError with everything that is wrong, each with file, line and column
 */
export async function parseModelText(text: string, options: TextOptions): Promise<ModelSpec> {
  const long = textTooLong(options.filename, text, MAX_JSON_LENGTH)
  if (long !== undefined) throw new ModelError([long])
  const source = isJson(text, options.filename)
    ? readJson(text, options.filename)
    : await (await import('./yaml.ts')).readYaml(text, options.filename)
  if (!isDescription(source)) return readConfig(source, options.name, 'config', options)
  throwIfAny(inspectTree(source))
  const { readDescription } = await import('./description.ts')
  return readDescription(source, options.name, options)
}

function isJson(text: string, filename: string): boolean {
  if (/\.json$/i.test(filename)) return true
  if (/\.ya?ml$/i.test(filename)) return false
  return /^\uFEFF?\s*[{[]/.test(text)
}

/** A description has blocks or names its format; anything else is taken as a config.json, whose errors name both. */
function isDescription({ value }: Source): boolean {
  if (value === null || typeof value !== 'object' || Object.hasOwn(value, 'model_type')) return false
  return Object.hasOwn(value, 'blocks') || Object.hasOwn(value, 'schema')
}

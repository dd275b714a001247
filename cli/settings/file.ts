import { ModelError } from '../../models/issue.ts'
import { readJson } from '../../models/json.ts'
import { inspectTree } from '../../models/limits.ts'
import { describeValue, type Source } from '../../models/source.ts'
import { UsageError } from '../errors.ts'
import { readTextFile } from '../files/read.ts'
import type { FileContents } from './contents.ts'
import type { ReadOptions } from './formats/read.ts'
import { readOwn } from './own.ts'

const MAX_BYTES = 1024 * 1024

export interface FileOptions extends ReadOptions {
  /** The format to read it in; recognised from its keys if left out. */
  readonly format?: string | undefined
}

/**
 * Reads a setting from YAML or JSON: tidemark's own, or a file of another tool.
 *
 * @throws ModelError, UsageError for what cannot be read at all; what is wrong with single keys is in the contents
 */
export async function readSettingsFile(path: string, options: FileOptions): Promise<FileContents> {
  const text = await readTextFile(path, { limit: MAX_BYTES, what: 'a setting', flag: '--config' })
  const source = await parse(text, path)
  const issues = inspectTree(source)
  if (issues.length > 0) throw new ModelError(issues)
  const { value } = source
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    const message = `is ${describeValue(value)}; expected flags and their values, or the file of a trainer`
    throw new UsageError([{ where: source.at([]), message, next: 'Write lines such as `seq_len: 512`.' }])
  }
  if (options.format === 'tidemark') return readOwn(source, options)
  // the tables of other tools' keys are loaded only for their files
  const { FORMATS, recognise } = await import('./formats/index.ts')
  const { readFormat } = await import('./formats/read.ts')
  const format =
    options.format === undefined ? recognise(value)?.format : FORMATS.find((f) => f.name === options.format)
  if (format !== undefined) return readFormat(format, source, options)
  refuseModelConfig(source, value)
  return readOwn(source, options)
}

async function parse(text: string, path: string): Promise<Source> {
  if (/\.json$/i.test(path) || /^\uFEFF?\s*[{[]/.test(text)) return readJson(text, path)
  // the YAML parser is loaded only for texts that need it
  const { readYaml } = await import('../../models/yaml.ts')
  return readYaml(text, path)
}

function refuseModelConfig(source: Source, value: object): void {
  if (!Object.hasOwn(value, 'model_type') && !Object.hasOwn(value, 'architectures')) return
  const message = 'is the config.json of a model, not a setting of training'
  throw new UsageError([{ where: source.label, message, next: 'Give it as <model>.' }])
}

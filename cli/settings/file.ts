import { ModelError } from '../../models/issue.ts'
import { readJson } from '../../models/json.ts'
import { inspectTree } from '../../models/limits.ts'
import { didYouMean } from '../../models/nearest.ts'
import { describeValue, printable, type Source } from '../../models/source.ts'
import { type Problem, UsageError } from '../errors.ts'
import { readTextFile } from '../files/read.ts'
import { FLAGS, type FlagKey, flagFor } from '../flags.ts'
import { checkValue } from './check.ts'

const MAX_BYTES = 1024 * 1024

/** The flags of a file, and where each was written: errors that only show later name that place. */
export interface FileSettings {
  readonly values: Record<string, unknown>
  readonly places: ReadonlyMap<string, string>
  readonly problems: Problem[]
}

/** Reads a setting from YAML or JSON: any flag that the command takes, written `seq_len` or `seq-len`. */
export async function readSettingsFile(
  path: string,
  allowed: readonly FlagKey[],
  command: string,
): Promise<FileSettings> {
  const text = await readTextFile(path, { limit: MAX_BYTES, what: 'a setting', flag: '--config' })
  const source = await parse(text, path)
  const issues = inspectTree(source)
  if (issues.length > 0) throw new ModelError(issues)
  if (source.value === null || typeof source.value !== 'object' || Array.isArray(source.value)) {
    const message = `is ${describeValue(source.value)}; expected flags and their values`
    throw new UsageError([{ where: source.at([]), message, next: 'Write lines such as `seq_len: 512`.' }])
  }
  return readEntries(source, Object.entries(source.value), allowed, command)
}

async function parse(text: string, path: string): Promise<Source> {
  if (/\.json$/i.test(path) || /^\uFEFF?\s*[{[]/.test(text)) return readJson(text, path)
  // the YAML parser is loaded only for texts that need it
  const { readYaml } = await import('../../models/yaml.ts')
  return readYaml(text, path)
}

function readEntries(
  source: Source,
  entries: readonly (readonly [string, unknown])[],
  allowed: readonly FlagKey[],
  command: string,
): FileSettings {
  const values: Record<string, unknown> = {}
  const places = new Map<string, string>()
  const problems: Problem[] = []
  for (const [name, value] of entries) {
    const where = source.at([name])
    const key = allowed.find((k) => k === name.replaceAll('-', '_') && k !== 'config')
    if (key === undefined) problems.push(unknownKey(name, where, allowed, command))
    else if (places.has(key)) problems.push({ where, message: 'is set twice', next: 'Keep one of the two.' })
    else if (value !== null) {
      places.set(key, where)
      const checked = checkValue(key, fromFile(key, value), where)
      if (checked.ok) values[key] = checked.value
      else problems.push(checked.problem)
    }
  }
  return { values, places, problems }
}

/** Lists may also be written as on the command line. */
function fromFile(key: FlagKey, value: unknown): unknown {
  if (flagFor(key).kind !== 'list' || typeof value !== 'string') return value
  return value.split(',').map((item) => item.trim())
}

function unknownKey(name: string, where: string, allowed: readonly FlagKey[], command: string): Problem {
  const elsewhere = Object.hasOwn(FLAGS, name.replaceAll('-', '_'))
  const message = elsewhere ? `is not a setting of ${command}` : `${printable(name)} is not a setting`
  const known = allowed.filter((k) => k !== 'config')
  return { where, message, next: didYouMean(name, known, `\`tidemark ${command} --help\` lists them.`) }
}

import { didYouMean } from '../../models/nearest.ts'
import { printable, type Source } from '../../models/source.ts'
import { FLAGS, type FlagKey, flagFor } from '../flags.ts'
import { checkValue } from './check.ts'
import type { FileContents, FileProblem } from './contents.ts'
import type { ReadOptions } from './formats/read.ts'

/** Flags that say where settings are read from: not themselves settings. */
const NOT_SETTINGS: ReadonlySet<string> = new Set(['config', 'config_format', 'config_skip'])

/** A file full of unknown keys is told after so many. */
const MAX_PROBLEMS = 50

/** tidemark's own file: any flag that the command takes, written `seq_len` or `seq-len`, and `model`. */
export function readOwn(source: Source, { allowed, command }: ReadOptions): FileContents {
  const values: Record<string, unknown> = {}
  const places = new Map<string, string>()
  const problems: FileProblem[] = []
  let model: FileContents['model']
  // the caller has seen that it is an object
  for (const [name, value] of Object.entries(source.value as object)) {
    const where = source.at([name])
    const key = allowed.find((k) => k === name.replaceAll('-', '_') && !NOT_SETTINGS.has(k))
    if (name === 'model' && typeof value === 'string') model = { name: value, where }
    else if (key === undefined) {
      if (problems.length < MAX_PROBLEMS) problems.push(unknownKey(name, where, allowed, command))
    } else if (places.has(key)) problems.push({ where, message: 'is set twice', next: 'Keep one of the two.' })
    else if (value !== null) {
      places.set(key, where)
      const checked = checkValue(key, fromFile(key, value), where)
      if (checked.ok) values[key] = checked.value
      else problems.push(checked.problem)
    }
  }
  const report = { file: source.label, format: 'tidemark', read: [...places.keys()], ignored: [] }
  return { values, places, problems, assumptions: [], warnings: [], model, needs: [], report }
}

/** Lists may also be written as on the command line. */
function fromFile(key: FlagKey, value: unknown): unknown {
  if (flagFor(key).kind !== 'list' || typeof value !== 'string') return value
  return value.split(',').map((item) => item.trim())
}

function unknownKey(name: string, where: string, allowed: readonly FlagKey[], command: string): FileProblem {
  const elsewhere = Object.hasOwn(FLAGS, name.replaceAll('-', '_'))
  const message = elsewhere ? `is not a setting of ${command}` : `${printable(name)} is not a setting`
  const known = allowed.filter((k) => !NOT_SETTINGS.has(k))
  return { where, message, next: didYouMean(name, known, `\`tidemark ${command} --help\` lists them.`) }
}

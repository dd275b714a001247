import type { Assumption } from '../../planner/training/defaults.ts'
import { dashed, type FlagKey } from '../flags.ts'
import type { FileContents, FileProblem, FileReport } from './contents.ts'

/** What the files of `--config` say together, under the flags that were typed. */
export interface FromFiles {
  readonly values: Readonly<Record<string, unknown>>
  readonly places: ReadonlyMap<string, string>
  readonly problems: readonly FileProblem[]
  readonly assumptions: readonly Assumption[]
  readonly warnings: readonly string[]
  readonly model: FileContents['model']
  readonly reports: readonly (FileReport & { readonly overridden: readonly string[] })[]
}

/**
 * Merges files; what was typed wins over all, and is told. Two files that contradict each other are a problem: neither is the
 * better one.
 *
 * @param typed values of the command line
 */
export function mergeFiles(files: readonly FileContents[], typed: Readonly<Record<string, unknown>>): FromFiles {
  const values: Record<string, unknown> = {}
  const places = new Map<string, string>()
  const problems: FileProblem[] = []
  const warnings: string[] = []
  for (const file of files) {
    problems.push(...file.problems, ...unmet(file, files))
    warnings.push(...file.warnings)
    for (const [option, where] of file.places) {
      const value = file.values[option]
      if (option in typed || value === undefined) continue
      if (places.has(option) && !same(values[option], value))
        problems.push(contradiction(option, where, places.get(option)!, files))
      values[option] = value
      places.set(option, where)
    }
  }
  const assumptions = files
    .flatMap((file) => file.assumptions)
    .filter(({ option }) => !(option in typed) && !places.has(option))
  // of two tools' defaults the first file's holds
  const defaults = assumptions.filter(({ option }, i) => assumptions.findIndex((a) => a.option === option) === i)
  const defaultOf = (option: string): unknown =>
    files.find((f) => f.values[option] !== undefined && !f.places.has(option))?.values[option]
  const settled = problems.filter(({ unless }) => unless === undefined || !(unless in typed))
  const overridden = files.map((file) => overriddenBy(file, typed))
  return {
    values: { ...Object.fromEntries(defaults.map(({ option }) => [option, defaultOf(option)])), ...values },
    places,
    problems: settled.slice(0, MAX_PROBLEMS),
    assumptions: defaults.map(({ what, value, from }) => ({ what, value, from })),
    warnings: [...overridden.flat().map((o) => o.told), ...warnings],
    model: files.find((file) => file.model !== undefined)?.model,
    reports: files.map(({ report }, i) => ({ ...report, overridden: overridden[i]!.map((o) => o.key) })),
  }
}

/** A hostile file is told after so many. */
const MAX_PROBLEMS = 50

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

function contradiction(option: string, where: string, other: string, files: readonly FileContents[]): FileProblem {
  const said = files.map((file) => JSON.stringify(file.values[option])).filter((text) => text !== undefined)
  const message = `says another ${option} than ${other} (${said.join(', ')})`
  // an option of a file is a flag of the command
  return { where, message, next: `Change one, or say --${dashed(option)}.`, unless: option as FlagKey }
}

/** A file that another one names has to be given too: it holds the sharding. */
function unmet(file: FileContents, files: readonly FileContents[]): FileProblem[] {
  return file.needs
    .filter(({ format }) => files.every(({ report }) => report.format !== format))
    .map(({ format, file: named, where }) => ({
      where,
      message: `names ${named}, a ${format} file, which holds the sharding`,
      next: `Give it too: --config ${file.report.file},${named}; or take it out for one device without it.`,
      unless: 'zero',
    }))
}

function overriddenBy(file: FileContents, typed: Readonly<Record<string, unknown>>): { key: string; told: string }[] {
  return [...file.places]
    .filter(
      ([option]) => option in typed && file.values[option] !== undefined && !same(typed[option], file.values[option]),
    )
    .map(([option, where]) => ({
      key: where.slice(where.indexOf(' ') + 1),
      told: `--${dashed(option)} ${String(typed[option])} wins over ${where} (${String(file.values[option])})`,
    }))
}

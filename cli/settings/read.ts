import { ModelError } from '../../models/issue.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { Refusals } from '../../planner/training/refusals.ts'
import { type Problem, UsageError } from '../errors.ts'
import type { FlagKey, Values } from '../flags.ts'
import { dashed } from '../flags.ts'
import { type RawArguments, readArguments } from './argv.ts'
import { readSettingsFile } from './file.ts'

/** What a command was given, checked: flags over the file of `--config`. */
export interface Given {
  readonly values: Values
  /** Where a flag was written: `--seq-len`, or `run.yaml:3:1 seq_len`. */
  readonly placeOf: (flag: string) => string
}

/** Reads the command line and the file it names. @throws UsageError with everything wrong in both */
export async function readGiven(raw: RawArguments, allowed: readonly FlagKey[], command: string): Promise<Given> {
  const { values: typed, problems } = readArguments(raw, allowed, command)
  let values = typed
  let places: ReadonlyMap<string, string> = new Map()
  const config = typed.config
  if (typeof config === 'string') {
    try {
      const file = await readSettingsFile(config, allowed, command)
      problems.push(...file.problems)
      values = { ...file.values, ...typed }
      places = new Map([...file.places].filter(([key]) => !(key in typed)))
    } catch (error) {
      problems.push(...problemsOf(error))
    }
  }
  if (problems.length > 0) throw new UsageError(problems)
  const byFlag = new Map([...places].map(([key, place]) => [`--${dashed(key)}`, place]))
  // every key is one of `allowed`, every value has passed its flag's schema
  return { values: values as Values, placeOf: (flag) => byFlag.get(flag) ?? flag }
}

/** The parts of any input error, so that several come together. Rethrows what is no input error. */
export function problemsOf(error: unknown, placeOf: (flag: string) => string = (flag) => flag): Problem[] {
  if (error instanceof UsageError) return [...error.problems]
  if (error instanceof ModelError) {
    return error.issues.map((i) => ({
      where: placeOf(i.where),
      message: `${i.message}; expected ${i.expected}`,
      next: i.next,
    }))
  }
  const refusals = error instanceof Refusals ? error.all : error instanceof Refusal ? [error] : undefined
  if (refusals === undefined) throw error
  return refusals.map((r) => ({ where: placeOf(r.where), message: r.message, next: r.next }))
}

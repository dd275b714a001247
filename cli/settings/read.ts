import { ModelError } from '../../models/issue.ts'
import { parseAllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { resolveStack } from '../../planner/predict/stack.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { refuseNotModelled } from '../../planner/training/modelled.ts'
import type { TrainingOptions } from '../../planner/training/options.ts'
import { RefusalList, Refusals } from '../../planner/training/refusals.ts'
import { type Problem, UsageError } from '../errors.ts'
import type { FlagKey, Values } from '../flags.ts'
import { dashed } from '../flags.ts'
import { resolveGpu } from '../gpus.ts'
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
  // what needs no model is checked here too, so that it is told with the rest
  if (problems.length > 0) throw new UsageError([...problems, ...settingProblems(values)])
  const byFlag = new Map([...places].map(([key, place]) => [`--${dashed(key)}`, place]))
  // every key is one of `allowed`, every value has passed its flag's schema
  return { values: values as Values, placeOf: (flag) => byFlag.get(flag) ?? flag }
}

function settingProblems(values: Readonly<Record<string, unknown>>): Problem[] {
  const checks = [
    () => typeof values.gpu === 'string' && resolveGpu(values.gpu),
    () => typeof values.stack === 'string' && resolveStack(values.stack),
    () => typeof values.alloc_conf === 'string' && parseAllocatorConfig(values.alloc_conf),
    () => {
      const list = new RefusalList()
      // each value that is there has passed its flag's schema
      refuseNotModelled(values as TrainingOptions, list)
      list.throwIfAny()
    },
  ]
  return checks.flatMap((check) => {
    try {
      check()
      return []
    } catch (error) {
      return problemsOf(error)
    }
  })
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

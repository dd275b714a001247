import { parseAllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { resolveStack } from '../../planner/predict/stack.ts'
import { refuseNotModelled } from '../../planner/training/modelled.ts'
import type { TrainingOptions } from '../../planner/training/options.ts'
import { RefusalList } from '../../planner/training/refusals.ts'
import { type Problem, UsageError } from '../errors.ts'
import type { FlagKey, Values } from '../flags.ts'
import { dashed } from '../flags.ts'
import { resolveGpu } from '../gpus.ts'
import { problemsOf } from '../problems.ts'
import { type RawArguments, readArguments } from './argv.ts'
import type { FromFiles } from './files.ts'

/** What a command was given, checked: flags over the files of `--config`. */
export interface Given {
  readonly values: Values
  /** Where a flag was written: `--seq-len`, or `run.yaml:3:1 seq_len`. */
  readonly placeOf: (flag: string) => string
  /** What the files said beside values; undefined without `--config`. */
  readonly files: FromFiles | undefined
}

/** Reads the command line and the files it names. @throws UsageError with everything wrong in all of them */
export async function readGiven(raw: RawArguments, allowed: readonly FlagKey[], command: string): Promise<Given> {
  const { values: typed, problems } = readArguments(raw, allowed, command)
  const files = await filesOf(typed, allowed, command, problems)
  const values = { ...files?.values, ...typed }
  // what needs no model is checked here too, so that it is told with the rest
  const placed = placeIn(files)
  const unsettled = settingProblems(values).map((p) => ({ ...p, where: placed(p.where) }))
  if (problems.length > 0) throw new UsageError([...problems, ...unsettled])
  // every key is one of `allowed`, every value has passed its flag's schema
  return { values: values as Values, placeOf: placed, files }
}

/** The files of `--config`, in their order. What is wrong with them goes to `problems`. */
async function filesOf(
  typed: Readonly<Record<string, unknown>>,
  allowed: readonly FlagKey[],
  command: string,
  problems: Problem[],
): Promise<FromFiles | undefined> {
  const { config, config_format: format, config_skip: skip } = typed as Values
  if (config === undefined) {
    const alone = Object.keys(typed).filter((key) => key === 'config_format' || key === 'config_skip')
    problems.push(
      ...alone.map((key) => ({ where: `--${dashed(key)}`, message: 'belongs to --config', next: 'Leave it out.' })),
    )
    return undefined
  }
  const [{ readSettingsFile }, { mergeFiles }] = await Promise.all([import('./file.ts'), import('./files.ts')])
  const read = []
  for (const path of config) {
    try {
      read.push(await readSettingsFile(path, { allowed, command, format, skip: skip ?? [] }))
    } catch (error) {
      problems.push(...problemsOf(error))
    }
  }
  const merged = mergeFiles(read, typed)
  problems.push(...merged.problems)
  return merged
}

const placeIn = (files: FromFiles | undefined): ((flag: string) => string) => {
  const byFlag = new Map([...(files?.places ?? [])].map(([key, place]) => [`--${dashed(key)}`, place]))
  return (flag) => byFlag.get(flag) ?? flag
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

import { existsSync } from 'node:fs'
import { StudyRun } from '../../planner/result/study.ts'
import { STUDY_METHODS } from '../../planner/training/study-methods.ts'
import { UsageError } from '../errors.ts'
import { readTextFile } from '../files/read.ts'
import { writeFileWhole } from '../files/write.ts'

const MAX_BYTES = 256 * 1024 * 1024

/** A study's runs as JSON Lines. The file is always whole: each run rewrites it beside its place. */
export class ResultsFile {
  readonly #path: string
  #text: string
  readonly runs: readonly StudyRun[]

  private constructor(path: string, text: string, runs: readonly StudyRun[]) {
    this.#path = path
    this.#text = text
    this.runs = runs
  }

  /** The runs that are there already; none where there is no file yet. @throws UsageError for a line that is no run */
  static async open(path: string): Promise<ResultsFile> {
    if (!existsSync(path)) return new ResultsFile(path, '', [])
    const text = await readTextFile(path, { limit: MAX_BYTES, what: 'the results of a study', flag: '--results' })
    const runs = text.split('\n').flatMap((line, i) => (line === '' ? [] : [runOf(line, `${path}:${i + 1}`)]))
    return new ResultsFile(path, text === '' || text.endsWith('\n') ? text : `${text}\n`, runs)
  }

  /** Adds finished runs, a line each. */
  add(lines: string): void {
    this.#text += lines
    writeFileWhole(this.#path, this.#text)
  }
}

function runOf(line: string, where: string): StudyRun {
  const parsed = StudyRun.safeParse(jsonOf(line))
  if (parsed.success && STUDY_METHODS.some((m) => m === parsed.data.method)) return parsed.data
  const next = 'Name another file, or remove the line: its run is then made again.'
  throw new UsageError([{ where, message: 'is no run of a study', next }])
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

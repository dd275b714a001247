import { existsSync } from 'node:fs'
import type { ZodType } from 'zod'
import { Divergence, StudyResult, StudyRun } from '../../planner/result/study.ts'
import { bodyOf } from '../../planner/study/body.ts'
import { STUDY_METHODS } from '../../planner/training/study-methods.ts'
import { UsageError } from '../errors.ts'
import { readTextFile } from '../files/read.ts'
import { writeFileWhole } from '../files/write.ts'

const MAX_BYTES = 256 * 1024 * 1024

/** What the lines of a results file say. */
interface Lines {
  /** The study's document without its runs; the first line. */
  readonly head: StudyResult | null
  readonly records: readonly (StudyRun | Divergence)[]
}

/**
 * A study's results as JSON Lines: first the document without its runs, then a line a run. The file is always whole: each line rewrites
 * it beside its place.
 */
export class ResultsFile {
  readonly #path: string
  #head: string
  #records: string
  readonly records: Lines['records']

  private constructor(path: string, { head, records }: Lines) {
    this.#path = path
    this.#head = head === null ? '' : lineOf(head)
    this.#records = records.map(lineOf).join('')
    this.records = records
  }

  /** The runs that are there already; none where there is no file yet. @throws UsageError for a line that is no run */
  static async open(path: string): Promise<ResultsFile> {
    if (!existsSync(path)) return new ResultsFile(path, { head: null, records: [] })
    const text = await readTextFile(path, { limit: MAX_BYTES, what: 'the results of a study', flag: '--results' })
    return new ResultsFile(path, linesOf(text, path))
  }

  /** Adds lines as a study sends them: its head takes the place of the one before. */
  add(lines: string): void {
    for (const line of lines.split('\n').filter((l) => l !== '')) {
      if (isHead(line)) this.#head = `${line}\n`
      else this.#records += `${line}\n`
    }
    writeFileWhole(this.#path, this.#head + this.#records)
  }
}

/** A results file as the document that `--json` would have printed. @throws UsageError with the line that is none of a study's */
export function studyFromLines(text: string, path: string): StudyResult {
  const { head, records } = linesOf(text, path)
  if (head === null) {
    const next =
      'The first line of a results file is the study without its runs: repeat the command that wrote the file.'
    throw new UsageError([{ where: `${path}:1`, message: 'is no study', next }])
  }
  const runs = records.filter((r): r is StudyRun => !('diverged_at' in r))
  const diverged = records.filter((r): r is Divergence => 'diverged_at' in r)
  return { ...head, result: bodyOf(head.result, runs, diverged) }
}

const isHead = (line: string): boolean => /^\s*\{\s*"schema"\s*:\s*"tidemark\/study@/.test(line)

/** Whether a text is a results file, and not the one document of `--json`. */
export const isResultsFile = (text: string): boolean => isHead(text) && text.trimEnd().includes('\n{')

const lineOf = (value: unknown): string => `${JSON.stringify(value)}\n`

function linesOf(text: string, path: string): Lines {
  let head: StudyResult | null = null
  const records: (StudyRun | Divergence)[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const where = `${path}:${i + 1}`
    if (line === '') continue
    if (i === 0 && isHead(line)) head = checked(StudyResult, line, where)
    else records.push(recordOf(line, where))
  }
  return { head, records }
}

function recordOf(line: string, where: string): StudyRun | Divergence {
  const record = checked(StudyRun.or(Divergence), line, where)
  if (STUDY_METHODS.some((m) => m === record.method)) return record
  throw notOfAStudy(where)
}

function checked<T>(schema: ZodType<T>, line: string, where: string): T {
  const parsed = schema.safeParse(jsonOf(line))
  if (parsed.success) return parsed.data
  throw notOfAStudy(where)
}

function notOfAStudy(where: string): UsageError {
  const next = 'Name another file, or remove the line: its run is then made again.'
  return new UsageError([{ where, message: 'is no run of a study', next }])
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

import { type Problem, UsageError } from '../errors.ts'
import { isStdout } from '../files/write.ts'
import type { FlagKey, Values } from '../flags.ts'
import { resolveModel } from '../model/resolve.ts'
import type { Page } from '../output/estimate.ts'
import { bytesIn } from '../output/numbers.ts'
import { problemsOf } from '../problems.ts'
import type { RawArguments } from '../settings/argv.ts'
import { type Given, readGiven } from '../settings/read.ts'
import { Terminal } from '../terminal.ts'
import { quoted } from '../whatif/command-line.ts'

/** What every command has: where it prints and what it was given. */
export interface Context extends Given {
  readonly terminal: Terminal
  /** The command line as it was typed, for the result. */
  readonly typed: string
  /** The model that the command line or a file names; empty where neither does. */
  readonly model: string
}

/**
 * Reads what was typed for a command.
 *
 * @param model where the command takes one: if the flags are wrong, what is wrong with it is told in the same go
 * @throws UsageError with everything that is wrong
 */
export async function contextOf(
  raw: RawArguments,
  allowed: readonly FlagKey[],
  command: string,
  model?: string,
): Promise<Context> {
  const given = await readGiven(raw, allowed, command).catch(async (error: unknown) => {
    throw new UsageError([...problemsOf(error), ...(await modelProblems(model))])
  })
  const terminal = terminalOf(given.values)
  const fromFile = given.files?.model
  if (model !== '' || fromFile === undefined) return { ...given, terminal, typed: typedLine(), model: model ?? '' }
  const placeOf = (flag: string): string => (flag === 'model' ? fromFile.where : given.placeOf(flag))
  return { ...given, terminal, typed: typedLine(), model: fromFile.name, placeOf }
}

/** The model of a command that needs one. @throws UsageError where neither the command line nor a file names it */
export function requireModel({ model, files }: Context, command: string): string {
  if (model !== '') return model
  const named = files === undefined ? '' : `; ${files.reports.map(({ file }) => file).join(', ')} names none`
  const next = `Say tidemark ${command} <model>, or name it in the file of --config.`
  throw new UsageError([{ where: command, message: `needs a model${named}`, next }])
}

async function modelProblems(model: string | undefined): Promise<Problem[]> {
  if (model === undefined || model === '' || model === '-') return []
  try {
    await resolveModel(model, {}, process.env)
    return []
  } catch (error) {
    return problemsOf(error)
  }
}

export const terminalOf = (values: Values): Terminal =>
  new Terminal({
    quiet: values.quiet === true,
    verbose: values.verbose === true,
    debug: values.debug === true,
    noColour: values.no_color === true,
  })

/** How a result is written for people. Into a file it goes without colour. */
export function pageOf({ terminal, values }: Context): Page {
  const toFile = values.output !== undefined && !isStdout(values.output)
  const plain = toFile ? new Terminal({ ...terminal.manners, noColour: true }).out : terminal.out
  return { paint: plain, width: terminal.width, bytes: bytesIn(values.unit) }
}

const typedLine = (): string => ['tidemark', ...process.argv.slice(2).map(quoted)].join(' ')

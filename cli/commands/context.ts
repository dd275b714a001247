import type { FlagKey, Values } from '../flags.ts'
import type { Page } from '../output/estimate.ts'
import { bytesIn } from '../output/numbers.ts'
import type { RawArguments } from '../settings/argv.ts'
import { type Given, readGiven } from '../settings/read.ts'
import { Terminal } from '../terminal.ts'

/** What every command has: where it prints and what it was given. */
export interface Context extends Given {
  readonly terminal: Terminal
  /** The command line as it was typed, for the result. */
  readonly typed: string
}

/** Reads what was typed for a command. @throws UsageError with everything that is wrong */
export async function contextOf(raw: RawArguments, allowed: readonly FlagKey[], command: string): Promise<Context> {
  const given = await readGiven(raw, allowed, command)
  return { ...given, terminal: terminalOf(given.values), typed: typedLine() }
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
  const toFile = values.output !== undefined
  const plain = toFile ? new Terminal({ ...terminal.manners, noColour: true }).out : terminal.out
  return { paint: plain, width: terminal.width, bytes: bytesIn(values.unit) }
}

function typedLine(): string {
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
  return ['tidemark', ...words].join(' ')
}

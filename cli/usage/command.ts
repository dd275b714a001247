import type { ExitCode } from '../errors.ts'
import type { FlagKey } from '../flags.ts'
import type { RawArguments } from '../settings/argv.ts'

/** What a command does with what yargs parsed: `flags` are those that it takes. */
export type Run = (
  args: Readonly<Record<string, unknown>>,
  raw: RawArguments,
  flags: readonly FlagKey[],
) => Promise<ExitCode>

/** How a command is written, as data; what it does is loaded when it is asked for, since a start pays for each file. */
export interface Command {
  /** With its positionals, as yargs writes them: `estimate <model>`. */
  readonly usage: string
  readonly describe: string
  readonly flags: readonly FlagKey[]
  /** Positionals, by name. */
  readonly positionals: Readonly<Record<string, { readonly describe: string; readonly choices?: readonly string[] }>>
  readonly examples: readonly (readonly [command: string, does: string])[]
  readonly load: () => Promise<{ readonly run: Run }>
}

export const nameOf = (command: Command): string => command.usage.split(' ')[0] ?? ''

export const MODEL_ARGUMENT = {
  describe: 'Catalog name, org/name in the local Hugging Face cache, config.json or its folder, description, or -',
} as const

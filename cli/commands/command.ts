import type { ExitCode } from '../errors.ts'
import type { FlagKey } from '../flags.ts'
import type { RawArguments } from '../settings/argv.ts'

/** A command as data and a function: the program hands it what yargs parsed. */
export interface Command {
  /** With its positionals, as yargs writes them: `estimate <model>`. */
  readonly usage: string
  readonly describe: string
  readonly flags: readonly FlagKey[]
  /** Positionals, by name. */
  readonly positionals: Readonly<Record<string, { readonly describe: string; readonly choices?: readonly string[] }>>
  readonly examples: readonly (readonly [command: string, does: string])[]
  readonly run: (args: Readonly<Record<string, unknown>>, raw: RawArguments) => Promise<ExitCode>
}

export const nameOf = (command: Command): string => command.usage.split(' ')[0] ?? ''

/** The text of a positional. yargs gives strings for those that are declared so. */
export const textArgument = (args: Readonly<Record<string, unknown>>, name: string): string => String(args[name] ?? '')

/** The texts of a positional that takes several. */
export const textsArgument = (args: Readonly<Record<string, unknown>>, name: string): string[] => {
  const given = args[name]
  return Array.isArray(given) ? given.map(String) : [textArgument(args, name)]
}

export const MODEL_ARGUMENT = {
  describe: 'Catalog name, org/name in the local Hugging Face cache, config.json or its folder, description, or -',
} as const

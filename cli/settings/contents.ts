import type { Assumption } from '../../planner/training/defaults.ts'
import type { Problem } from '../errors.ts'
import type { FlagKey } from '../flags.ts'

/** Something wrong with a file, which a flag may settle by saying what holds instead. */
export interface FileProblem extends Problem {
  readonly unless?: FlagKey | undefined
}

/** A key that takes no part, and why. */
export interface IgnoredKey {
  readonly key: string
  readonly reason: string
}

/** What a file was taken for and which of its keys count: `input.config` of a result. */
export interface FileReport {
  readonly file: string
  readonly format: string
  readonly read: readonly string[]
  readonly ignored: readonly IgnoredKey[]
}

/** What a file of `--config` says, in the names of the flags. */
export interface FileContents {
  readonly values: Readonly<Record<string, unknown>>
  /** Where each option was written, for errors that show later. */
  readonly places: ReadonlyMap<string, string>
  readonly problems: readonly FileProblem[]
  /** The tool's defaults for what the file leaves out. */
  readonly assumptions: readonly (Assumption & { readonly option: FlagKey })[]
  readonly warnings: readonly string[]
  readonly model: { readonly name: string; readonly where: string } | undefined
  readonly needs: readonly { readonly format: string; readonly file: string; readonly where: string }[]
  readonly report: FileReport
}

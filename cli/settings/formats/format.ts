import type { Reading } from './reading.ts'
import { ignore, type Keys, type Rule, refuse } from './rule.ts'

/** A file of another tool: how it is recognised, and what each of its keys means here. */
export interface Format {
  readonly name: string
  /** As people call it. */
  readonly title: string
  /** Where its keys and defaults are written down. */
  readonly source: string
  /** Keys (dotted inside objects) that together mark the format: any one of these groups. */
  readonly marks: readonly (readonly string[])[]
  readonly keys: Keys
  /** Reason → keys, apart by spaces: known, and of no weight for the memory of a step. */
  readonly ignored?: Readonly<Record<string, string>>
  /** What it does to the memory of a step → keys: refused where they are on. */
  readonly refused?: Readonly<Record<string, string>>
  /** Beginnings of families of keys that are ignored, with the reason. */
  readonly prefixes?: Readonly<Record<string, string>>
  /** Why a file of this kind is not read at all, told in place of its single keys. */
  readonly reject?: (file: Readonly<Record<string, unknown>>) => Rejection | undefined
  /** What several keys say together, and the tool's own defaults. */
  readonly conclude?: (reading: Reading) => void
}

export interface Rejection {
  readonly key: string
  readonly message: string
  readonly next: string
}

const listed = (groups: Readonly<Record<string, string>> = {}, rule: (why: string) => Rule): [string, Rule][] =>
  Object.entries(groups).flatMap(([why, keys]) => keys.split(/\s+/).map((key): [string, Rule] => [key, rule(why)]))

/** All keys of a format with their rules: what is read wins over what is listed as ignored or refused. */
export function keysOf(format: Format): Keys {
  return Object.fromEntries([
    ...listed(format.ignored, (why) => ignore(why)),
    ...listed(format.refused, (why) => refuse(why)),
    ...Object.entries(format.keys),
  ])
}

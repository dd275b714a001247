import { didYouMean } from '../../models/nearest.ts'
import { printable } from '../../models/source.ts'
import type { Problem } from '../errors.ts'
import { dashed, type FlagKey, flagFor } from '../flags.ts'
import { checkValue } from './check.ts'

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** What yargs made of the command line: strings and booleans, lists where a flag came twice. */
export type RawArguments = Readonly<Record<string, unknown>>

export interface Read {
  readonly values: Record<string, unknown>
  readonly problems: Problem[]
}

/**
 * Turns what was typed into checked values. Unknown flags, repeated flags, missing values and values that are none are collected,
 * never passed over.
 */
export function readArguments(raw: RawArguments, allowed: readonly FlagKey[], command: string): Read {
  const values: Record<string, unknown> = {}
  const problems: Problem[] = []
  const names = new Map(allowed.map((key) => [dashed(key), key]))
  for (const [name, typed] of Object.entries(raw)) {
    if (name === '_' || name === '$0' || typed === undefined) continue
    const where = `${name.length === 1 ? '-' : '--'}${printable(name)}`
    const key = names.get(name)
    if (key === undefined) {
      problems.push(unknownFlag(name, where, [...names.keys()], command))
      continue
    }
    const text = textOf(key, typed, where, problems)
    if (text === undefined) continue
    const checked = checkValue(key, text, where)
    if (checked.ok) values[key] = checked.value
    else problems.push(checked.problem)
  }
  return { values, problems }
}

function unknownFlag(name: string, where: string, known: readonly string[], command: string): Problem {
  const visible = known.filter((n) => !n.startsWith('no-') || name.startsWith('no'))
  const near = didYouMean(name, visible, `\`tidemark ${command} --help\` lists the flags.`)
  const next = near.replace(/(?<=mean |, | or )([a-z])/g, '--$1')
  return { where, message: `is not a flag of ${command}`, next }
}

/** The text as the flag's kind reads it, or undefined after a problem was noted. */
function textOf(key: FlagKey, typed: unknown, where: string, problems: Problem[]): unknown {
  const { kind, expected } = flagFor(key)
  if (Array.isArray(typed)) {
    problems.push({ where, message: `was given ${typed.length} times`, next: 'Give it once.' })
    return undefined
  }
  if (kind === 'boolean') return typed
  const text = String(typed).trim()
  if (text === '') {
    problems.push({ where, message: `needs a value: ${expected}`, next: `Write ${where} VALUE.` })
    return undefined
  }
  if (kind === 'list') return text.split(',').map((item) => item.trim())
  // Number('') is 0 and Number('0x10') is 16: only decimal notation is a number here
  if ((kind === 'integer' || kind === 'number') && NUMBER.test(text)) return Number(text)
  return text
}

import { describeValue } from '../../../models/source.ts'
import type { FlagKey } from '../../flags.ts'

/** Options that a key stands for, by the names of the flags. */
export type Options = Readonly<Partial<Record<FlagKey, unknown>>>

/** What a value of a foreign key means here. */
export type Meaning =
  | { readonly kind: 'sets'; readonly options: Options }
  /** Read together with others, when the whole file is known. */
  | { readonly kind: 'noted'; readonly value: unknown }
  | { readonly kind: 'ignored'; readonly reason: string }
  | Refused
  | { readonly kind: 'wrong'; readonly expected: string; readonly unless?: FlagKey | undefined }

/** It changes memory and is not modelled. */
export interface Refused {
  readonly kind: 'refused'
  readonly message: string
  readonly next?: string | undefined
  /** A flag that says what to predict in its place. */
  readonly unless?: FlagKey | undefined
}

/** Reads the value of one key; null has been taken for "not given" before. */
export type Rule = (value: unknown) => Meaning

/** Keys of a file or of an object in it, each with its rule or with keys of its own. */
export interface Keys {
  readonly [key: string]: Rule | Keys
}

const ON: ReadonlySet<unknown> = new Set([true, 'true', 'True', 'yes', 'on'])
const OFF: ReadonlySet<unknown> = new Set([false, 'false', 'False', 'no', 'off'])

/** YAML 1.1, which PyYAML reads, has more words for true than YAML 1.2. */
export const truth = (value: unknown): boolean | undefined =>
  ON.has(value) ? true : OFF.has(value) ? false : undefined

/** A number, also where PyYAML would read text: `1e-4`. */
export function numeric(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !/^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return undefined
  return Number(value.replaceAll('_', ''))
}

const noted = (value: unknown): Meaning => ({ kind: 'noted', value })
const wrong = (expected: string): Meaning => ({ kind: 'wrong', expected })

/** The option itself; `auto` leaves it to whoever runs the file. */
export const to =
  (option: FlagKey): Rule =>
  (value) =>
    value === 'auto'
      ? { kind: 'ignored', reason: 'auto: taken from what starts the training' }
      : { kind: 'sets', options: { [option]: value } }

export const ignore =
  (reason: string): Rule =>
  () => ({ kind: 'ignored', reason })

/** true or false, read with the rest of the file. */
export const flag = (): Rule => (value) => {
  const on = truth(value)
  return on === undefined ? wrong('true or false') : noted(on)
}

/** A whole number from `min`, read with the rest of the file. */
export const count =
  (min = 0): Rule =>
  (value) => {
    const number = numeric(value)
    return number !== undefined && Number.isSafeInteger(number) && number >= min
      ? noted(number)
      : wrong(`a whole number from ${min}`)
  }

/** Text, read with the rest of the file. */
export const text = (): Rule => (value) => (typeof value === 'string' && value !== '' ? noted(value) : wrong('text'))

/** One of a few words, each with the options it stands for; a word of the tool that is not modelled has its reason. */
export const word = (words: Readonly<Record<string, Options | string>>, known: readonly string[] = []): Rule => {
  const modelled = Object.keys(words).filter((w) => typeof words[w] === 'object')
  // the flag that says what to predict in place of a word that is not modelled
  const options = modelled.flatMap((w) => Object.keys(words[w]!)) as FlagKey[]
  const unless = options[0]
  return (value) => {
    const name = typeof value === 'boolean' ? String(value) : value
    const expected = `one that is modelled: ${modelled.join(', ')}`
    if (typeof name !== 'string') return { kind: 'wrong', expected, unless }
    const meaning = Object.hasOwn(words, name) ? words[name] : undefined
    if (typeof meaning === 'object') return { kind: 'sets', options: meaning }
    if (meaning !== undefined) return { kind: 'refused', message: meaning, unless }
    if (known.includes(name))
      return { kind: 'refused', message: `it is not modelled; ${modelled.join(', ')} are`, unless }
    return { kind: 'wrong', expected, unless }
  }
}

/** Names, as a list or as text apart by commas, set as an option. */
export const names =
  (option: FlagKey, all: readonly string[] = []): Rule =>
  (value) => {
    const list = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) return wrong('a list of names')
    if (list.length === 0) return { kind: 'ignored', reason: 'empty' }
    const pattern = list.find((item) => /[\\^$*+?()[\]{}|]/.test(item))
    if (pattern !== undefined) {
      const message = `${describeValue(pattern)} is a pattern, and patterns are not resolved`
      return { kind: 'refused', message, next: 'Name the linears with --target-modules.', unless: option }
    }
    return { kind: 'sets', options: { [option]: list.map((item) => (all.includes(item) ? 'all-linear' : item)) } }
  }

/** Nothing where it is off (false, 0, empty, or one of `off`); refused otherwise. */
export const refuse =
  (why: string, { off = [], next, unless }: { off?: readonly unknown[]; next?: string; unless?: FlagKey } = {}): Rule =>
  (value) => {
    const isEmpty = value !== null && typeof value === 'object' && Object.keys(value).length === 0
    const isOff = truth(value) === false || numeric(value) === 0 || value === '' || isEmpty || off.includes(value)
    return isOff ? { kind: 'sets', options: {} } : { kind: 'refused', message: why, next, unless }
  }

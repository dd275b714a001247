import type { Issue, IssueCode } from './issue.ts'
import type { Range } from './limits.ts'
import { describeValue, type Path, type Source } from './source.ts'
import type { Activation, Provenance } from './spec.ts'

/** Activations that the spec can express, by their names in transformers' ACT2FN; `swish` is torch's SiLU. */
export const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_pytorch_tanh',
  quick_gelu: 'quick_gelu',
}

/** The framework's value for a missing key, and what to call its origin (the key itself if left out). */
export interface Default<T> {
  readonly value: T
  readonly from?: string
}

/**
 * Reads the fields of one config object, notes where each came from and collects what is wrong, so that all errors of
 * a file are told together. A field in error yields its default, or the smallest number allowed: the caller goes on
 * and throws at the end.
 */
export class Fields {
  readonly issues: Issue[]
  readonly provenance: Record<string, Provenance>
  readonly #source: Source
  readonly #object: Readonly<Record<string, unknown>>
  readonly #origin: 'config' | 'catalog'
  readonly #path: Path
  readonly #invalid: Set<string>

  constructor(source: Source, origin: 'config' | 'catalog', path: Path = [], shared?: Fields) {
    this.#source = source
    this.#origin = origin
    this.#path = path
    this.#object = asObject(path.reduce<unknown>((value, step) => asObject(value)[step], source.value))
    this.issues = shared?.issues ?? []
    this.provenance = shared?.provenance ?? {}
    this.#invalid = shared === undefined ? new Set() : shared.#invalid
  }

  /** Fields of an object inside this one, collecting into the same lists; empty if the key is missing. */
  nested(key: string): Fields {
    return new Fields(this.#source, this.#origin, [...this.#path, key], this)
  }

  /** The value of a key as it stands, `undefined` if missing. */
  raw(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined
  }

  /** The key is there and is not null. */
  has(key: string): boolean {
    return this.raw(key) !== undefined && this.raw(key) !== null
  }

  /** The first of several spellings that is there, else the first. */
  first(...keys: readonly [string, ...string[]]): string {
    return keys.find((key) => this.has(key)) ?? keys[0]
  }

  /** All fields named were read without an error, so that a rule between them makes sense. */
  valid(...fields: readonly string[]): boolean {
    return fields.every((field) => !this.#invalid.has(field))
  }

  /** Notes the origin of a field that was worked out by the caller. */
  note(field: string, source: Provenance['source'], key: string): void {
    this.provenance[field] = { source, key }
  }

  /** Notes that a field stands in the config under this key. */
  noteKey(field: string, key: string): void {
    this.note(field, this.#origin, [...this.#path, key].join('.'))
  }

  /** An integer in `range`. Without a default the key must be there. */
  integer(field: string, key: string, range: Range, fallback?: Default<number>): number {
    const expected = `an integer from ${range.min} to ${range.max}`
    const wrong = (value: unknown): IssueCode | undefined => {
      if (typeof value !== 'number' || Number.isNaN(value)) return 'wrong-type'
      if (!Number.isInteger(value) && Number.isFinite(value)) return 'wrong-type'
      return value < range.min || value > range.max ? 'out-of-range' : undefined
    }
    return this.#read(field, key, fallback, range.min, expected, wrong)
  }

  /** A finite number in `range`. */
  number(field: string, key: string, range: Range, fallback: Default<number>): number {
    const expected = `a number from ${range.min} to ${range.max}`
    const wrong = (value: unknown): IssueCode | undefined => {
      if (typeof value !== 'number' || Number.isNaN(value)) return 'wrong-type'
      return value < range.min || value > range.max ? 'out-of-range' : undefined
    }
    return this.#read(field, key, fallback, range.min, expected, wrong)
  }

  /** true or false. */
  boolean(field: string, key: string, fallback: Default<boolean>): boolean {
    const wrong = (value: unknown): IssueCode | undefined => (typeof value === 'boolean' ? undefined : 'wrong-type')
    return this.#read(field, key, fallback, false, 'true or false', wrong)
  }

  /** One of a few names, each standing for a value. */
  choice<T>(field: string, key: string, choices: Readonly<Record<string, T>>, fallback: Default<NoInfer<T>>): T {
    const names = Object.keys(choices)
    const wrong = (value: unknown): IssueCode | undefined => {
      if (typeof value !== 'string') return 'wrong-type'
      return Object.hasOwn(choices, value) ? undefined : 'unsupported'
    }
    const noted: Default<string> = { value: '', from: fallback.from ?? key }
    const name = this.#read<string>(field, key, noted, '', `one of ${names.join(', ')}`, wrong)
    return choices[name] ?? fallback.value
  }

  /** An activation by its name in ACT2FN. */
  activation(field: string, key: string, fallback: Activation): Activation {
    return this.choice(field, key, ACTIVATIONS, { value: fallback })
  }

  /** Adds an issue about a key. */
  fail(code: IssueCode, key: string | undefined, message: string, expected: string, next: string): void {
    const where = this.#source.at(key === undefined ? this.#path : [...this.#path, key])
    this.issues.push({ code, where, message, expected, next })
  }

  #read<T>(
    field: string,
    key: string,
    fallback: Default<T> | undefined,
    placeholder: T,
    expected: string,
    wrong: (value: unknown) => IssueCode | undefined,
  ): T {
    const value = this.raw(key)
    if (value === undefined || value === null) {
      if (fallback !== undefined) {
        this.note(field, 'default', fallback.from ?? key)
        return fallback.value
      }
      this.#invalid.add(field)
      this.fail('missing-field', key, 'is missing', expected, `Add "${key}".`)
      return placeholder
    }
    this.noteKey(field, key)
    const code = wrong(value)
    // `wrong` has just established the type
    if (code === undefined) return value as T
    this.#invalid.add(field)
    this.fail(code, key, `is ${describeValue(value)}`, expected, 'Correct the value.')
    return fallback?.value ?? placeholder
  }
}

function asObject(value: unknown): Readonly<Record<string | number, unknown>> {
  // any object can be read by key; what is found there is unknown
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
}

import { didYouMean } from '../../../models/nearest.ts'
import { describeValue, printable, type Source } from '../../../models/source.ts'
import { dashed, type FlagKey } from '../../flags.ts'
import type { FileContents, IgnoredKey } from '../contents.ts'
import { type Format, keysOf } from './format.ts'
import { Reading } from './reading.ts'
import type { Keys, Meaning, Rule } from './rule.ts'

export interface ReadOptions {
  readonly command: string
  /** Flags that the command takes. */
  readonly allowed: readonly FlagKey[]
  /** Keys (dotted) that are read as if they were not there. */
  readonly skip: readonly string[]
}

/** Reads a file in the format of another tool. Everything wrong with it is in `problems`. */
export function readFormat(format: Format, source: Source, options: ReadOptions): FileContents {
  return new FormatReader(format, source, options).contents()
}

/** A file full of unknown keys is told after so many. */
const MAX_UNKNOWN = 20

class FormatReader {
  readonly #format: Format
  readonly #source: Source
  readonly #options: ReadOptions
  readonly #reading: Reading
  readonly #read: string[] = []
  readonly #ignored: IgnoredKey[] = []
  #unknowns = 0

  constructor(format: Format, source: Source, options: ReadOptions) {
    this.#format = format
    this.#source = source
    this.#options = options
    this.#reading = new Reading((path) => source.at(path.split('.')))
  }

  contents(): FileContents {
    // the caller has seen that it is an object
    const file = this.#source.value as Readonly<Record<string, unknown>>
    const rejected = this.#format.reject?.(file)
    if (rejected === undefined) {
      this.#object(file, keysOf(this.#format), [])
      this.#format.conclude?.(this.#reading)
      if (this.#unknowns > MAX_UNKNOWN) this.#tellRest(this.#unknowns - MAX_UNKNOWN)
    } else this.#reading.refuse(rejected.key, rejected.message, { next: rejected.next })
    const { values, places, problems, assumptions, warnings, model, needs } = this.#reading
    const { allowed, command } = this.#options
    const taken = (option: string): boolean => allowed.some((key) => key === option)
    const left = Object.keys(values).filter((option) => !taken(option) && places.has(option))
    const ignored = [
      ...this.#ignored,
      ...left.map((option) => ({ key: option, reason: `${command} takes no --${dashed(option)}` })),
    ]
    return {
      values: Object.fromEntries(Object.entries(values).filter(([option]) => taken(option))),
      places,
      problems,
      assumptions: assumptions.filter(({ option }) => taken(option)),
      warnings,
      model,
      needs,
      report: { file: this.#source.label, format: this.#format.name, read: this.#read, ignored },
    }
  }

  #object(object: Readonly<Record<string, unknown>>, keys: Keys, path: readonly string[]): void {
    for (const [key, inside] of Object.entries(object)) {
      const here = [...path, key]
      const name = printable(here.join('.'), 120)
      const rule = Object.hasOwn(keys, key) ? keys[key] : this.#prefixed(key, path)
      if (this.#options.skip.includes(here.join('.'))) this.#ignore(name, 'left out by --config-skip')
      else if (rule === undefined) this.#unknown(key, here, keys)
      else if (inside === null) this.#ignore(name, 'null: the default holds')
      else if (typeof rule === 'function') this.#apply(rule(inside), here, inside)
      else if (typeof inside === 'object' && !Array.isArray(inside))
        this.#object(inside as Readonly<Record<string, unknown>>, rule, here)
      else this.#reading.wrong(here.join('.'), inside, 'an object')
    }
  }

  #apply(meaning: Meaning, path: readonly string[], value: unknown): void {
    const key = path.join('.')
    switch (meaning.kind) {
      case 'ignored':
        this.#ignore(key, meaning.reason)
        return
      case 'wrong':
        this.#reading.wrong(key, value, meaning.expected, meaning.unless)
        return
      case 'refused': {
        const { message, next, unless } = meaning
        this.#reading.refuse(key, `is ${describeValue(value)}: ${message}`, {
          ...(next && { next }),
          ...(unless && { unless }),
        })
        break
      }
      case 'noted':
        this.#reading.note(key, meaning.value)
        break
      case 'sets':
        this.#reading.note(key, value)
        for (const [option, set] of Object.entries(meaning.options)) this.#reading.set(option as FlagKey, set, key)
    }
    this.#read.push(key)
  }

  #ignore(key: string, reason: string): void {
    this.#ignored.push({ key, reason })
  }

  /** Families of keys (`wandb_…`), and remarks, which JSON has no place for. */
  #prefixed(key: string, path: readonly string[]): Rule | undefined {
    const families = path.length === 0 ? (this.#format.prefixes ?? {}) : {}
    const reason = key.startsWith('_comment')
      ? 'a remark'
      : Object.entries(families).find(([p]) => key.startsWith(p))?.[1]
    return reason === undefined ? undefined : () => ({ kind: 'ignored', reason })
  }

  #tellRest(more: number): void {
    const message = `has ${more} more keys that ${this.#format.title} does not know`
    this.#reading.problems.push({ where: this.#source.label, message, next: 'Is it a file of another kind?' })
  }

  #unknown(key: string, path: readonly string[], keys: Keys): void {
    this.#unknowns++
    // looking for the nearest of four hundred names takes its time
    if (this.#unknowns > MAX_UNKNOWN) return
    const message = `is not a key of ${this.#format.title} (${this.#format.source})`
    const otherwise = 'Correct it, take it out, or say --config-skip with its name.'
    this.#reading.problems.push({
      where: this.#source.at(path),
      message,
      next: didYouMean(key, Object.keys(keys), otherwise),
    })
  }
}

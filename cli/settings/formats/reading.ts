import { describeValue } from '../../../models/source.ts'
import type { Assumption } from '../../../planner/training/defaults.ts'
import { dashed, type FlagKey, flagFor } from '../../flags.ts'
import { checkValue } from '../check.ts'
import type { FileProblem } from '../contents.ts'
import { numeric, truth } from './rule.ts'

/** A file while it is read: what its keys said, and what was made of them. Paths are keys, dotted inside objects. */
export class Reading {
  readonly values: Record<string, unknown> = {}
  readonly places = new Map<string, string>()
  readonly problems: FileProblem[] = []
  readonly assumptions: (Assumption & { option: FlagKey })[] = []
  readonly warnings: string[] = []
  /** A file of another format that this one names. */
  readonly needs: { readonly format: string; readonly file: string; readonly where: string }[] = []
  model: { readonly name: string; readonly where: string } | undefined
  readonly #noted = new Map<string, unknown>()
  readonly #at: (path: string) => string

  /** @param at where a key stands: `axolotl.yaml:3:1 micro_batch_size` */
  constructor(at: (path: string) => string) {
    this.#at = at
  }

  /** Keeps a value for what is concluded from the whole file. */
  note(path: string, value: unknown): void {
    this.#noted.set(path, value)
  }

  /** The value of a key that was given and not null. */
  raw(path: string): unknown {
    return this.#noted.get(path)
  }

  on(path: string): boolean {
    return truth(this.raw(path)) === true
  }

  text(path: string): string | undefined {
    const value = this.raw(path)
    return typeof value === 'string' ? value : undefined
  }

  number(path: string): number | undefined {
    return numeric(this.raw(path))
  }

  /** Sets an option from a key, checked as the flag is. */
  set(option: FlagKey, value: unknown, path: string): void {
    const where = this.#at(path)
    const checked = checkValue(option, ownType(option, value), where)
    this.places.set(option, where)
    if (checked.ok) this.values[option] = checked.value
    else this.problems.push({ ...checked.problem, unless: option })
  }

  place(path: string): string {
    return this.#at(path)
  }

  isSet(option: FlagKey): boolean {
    return this.places.has(option)
  }

  /** The tool's own default for an option that the file leaves out. */
  fallback(option: FlagKey, value: unknown, from: string): void {
    if (this.isSet(option)) return
    this.values[option] = value
    this.assumptions.push({ option, what: option.replaceAll('_', '-'), value: String(value), from })
  }

  /** What changes memory and is not modelled. */
  refuse(path: string, message: string, { next, unless }: { next?: string; unless?: FlagKey } = {}): void {
    const instead =
      unless === undefined ? 'Take it out, or say' : `Say --${dashed(unless)} for what to predict instead, or`
    const otherwise = `${instead} --config-skip ${path} for the step without it.`
    this.problems.push({ where: this.#at(path), message, next: next ?? otherwise, unless })
  }

  wrong(path: string, value: unknown, expected: string, unless?: FlagKey): void {
    const message = `is ${describeValue(value)}; expected ${expected}`
    this.problems.push({ where: this.#at(path), message, next: 'Correct the value.', unless })
  }

  need(format: string, path: string, file: string): void {
    this.needs.push({ format, file, where: this.#at(path) })
  }

  nameModel(path: string): void {
    const name = this.text(path)
    if (name !== undefined) this.model = { name, where: this.#at(path) }
  }
}

/** Numbers and truths that YAML 1.1 has other words for. */
function ownType(option: FlagKey, value: unknown): unknown {
  const { kind } = flagFor(option)
  if (kind === 'integer' || kind === 'number') return numeric(value) ?? value
  return kind === 'boolean' ? (truth(value) ?? value) : value
}

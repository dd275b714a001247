import {
  compileExpression,
  type Expression,
  ExpressionError,
  FUNCTION_NAMES,
  type ParseExpression,
  SYMBOL,
} from './expression.ts'
import type { IssueCode } from './issue.ts'
import { didYouMean } from './nearest.ts'
import { type Path, printable } from './source.ts'

/** A size as a description gives it: a number, or an expression over the named dimensions. */
export type Size = number | string

/** Reports what is wrong at a path of the document. */
export type Report = (code: IssueCode, path: Path, message: string, expected: string, next: string) => void

/**
 * The named dimensions of a description, each worked out on first use, so that they may stand in any order.
 * A dimension in error is reported once and is `undefined` from then on.
 */
export class Dimensions {
  readonly #sizes: Readonly<Record<string, Size>>
  readonly #parse: ParseExpression | undefined
  readonly #report: Report
  readonly #values = new Map<string, number | undefined>()
  /** Being worked out, in order: a name that comes again closes a cycle. */
  readonly #open: string[] = []

  constructor(sizes: Readonly<Record<string, Size>>, parse: ParseExpression | undefined, report: Report) {
    this.#sizes = sizes
    this.#parse = parse
    this.#report = report
    for (const name of Object.keys(sizes)) this.#checkName(name)
  }

  /** All dimensions by name, without those in error. */
  all(): Record<string, number> {
    const values: Record<string, number> = {}
    for (const name of Object.keys(this.#sizes)) {
      const value = this.#dimension(name)
      if (value !== undefined) values[name] = value
    }
    return values
  }

  /** Works out one size at a path; `undefined` if it is in error, which has then been reported. */
  evaluate(size: Size, path: Path): number | undefined {
    if (typeof size === 'number') return size
    const expression = this.#compile(size, path)
    if (expression === undefined) return undefined
    const values = new Map<string, number>()
    for (const symbol of expression.symbols) {
      if (!Object.hasOwn(this.#sizes, symbol)) {
        const known = Object.keys(this.#sizes)
        const next = didYouMean(symbol, known, 'Add it under dimensions.')
        this.#report('unknown-dimension', path, `uses ${printable(symbol)}`, 'a name under dimensions', next)
        return undefined
      }
      const value = this.#dimension(symbol, path)
      if (value === undefined) return undefined
      values.set(symbol, value)
    }
    const result = expression.evaluate((symbol) => values.get(symbol) ?? Number.NaN)
    if (Number.isFinite(result)) return snap(result)
    this.#report(
      'expression',
      path,
      `"${printable(size)}" gives ${result}`,
      'a finite number',
      'Correct the expression.',
    )
    return undefined
  }

  #dimension(name: string, usedAt: Path = ['dimensions', name]): number | undefined {
    if (this.#values.has(name)) return this.#values.get(name)
    if (this.#open.includes(name)) {
      const cycle = [...this.#open.slice(this.#open.indexOf(name)), name].join(' → ')
      this.#report('cycle', usedAt, `refers to itself: ${cycle}`, 'dimensions without a cycle', 'Give one a number.')
      return undefined
    }
    this.#open.push(name)
    const value = this.evaluate(this.#sizes[name]!, ['dimensions', name])
    this.#open.pop()
    this.#values.set(name, value)
    return value
  }

  #compile(text: string, path: Path): Expression | undefined {
    try {
      return compileExpression(text, this.#parse)
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      const expected = `numbers, names, + - * / ^ %, parentheses, ${FUNCTION_NAMES.join(', ')}`
      const next = 'Correct the expression; docs/descriptions.md has examples.'
      this.#report('expression', path, printable(`"${text}" ${error.message}`, 300), expected, next)
      return undefined
    }
  }

  #checkName(name: string): void {
    if (SYMBOL.test(name) && name.length <= 40 && !FUNCTION_NAMES.includes(name)) return
    const expected = 'letters, digits and _, a letter first, at most 40, and not the name of a function'
    this.#report('structure', ['dimensions', name], 'is no name for a dimension', expected, 'Rename it.')
  }
}

/** Undoes the rounding error of floating point where the exact result is an integer: 0.1 * 30 is 3. */
function snap(value: number): number {
  const whole = Math.round(value)
  return Math.abs(value - whole) <= 1e-9 * Math.max(1, Math.abs(value)) ? whole : value
}

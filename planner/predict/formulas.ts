import { constant, type Dimensions, type Polynomial, product, readName, substitute } from '../formula/polynomial.ts'
import type { Axes, Axis } from '../trace/axes.ts'
import { type DType, ITEMSIZE } from '../trace/dtype.ts'
import type { TraceEvent } from '../trace/event.ts'
import { SIZES } from './structure.ts'

/** One term of a formula: `coefficient` times the sizes at these places of `symbols`. */
interface Term {
  readonly coefficient: number
  readonly symbols: readonly string[]
}

/** A size, or bytes of a storage, as a function of the sizes that a structure leaves open. */
export class SizeFormula {
  readonly #terms: readonly Term[]

  constructor(polynomial: Polynomial) {
    this.#terms = [...polynomial].map(([monomial, coefficient]) => ({
      coefficient,
      symbols: monomial === '' ? [] : monomial.split('·'),
    }))
  }

  at(sizes: Dimensions): number {
    let sum = 0
    for (const { coefficient, symbols } of this.#terms) {
      let term = coefficient
      for (const s of symbols) term *= sizes[s]!
      sum += term
    }
    return sum
  }
}

/** The formulas of a trace's storages, each once: many storages are of one size. */
export class FormulaTable {
  readonly formulas: SizeFormula[] = []
  readonly #dimensions: Record<string, number>
  readonly #byText = new Map<string, number>()
  readonly #byAxes = new Map<string, number>()
  readonly #byTrace = new WeakMap<readonly TraceEvent[], readonly number[]>()
  readonly #names = new Map<string, Polynomial>()
  readonly #sizes = new Map<string, SizeFormula>()

  /** `trace` gives the names of the model's own dimensions their sizes, `sizes` those of the setting. */
  constructor(trace: readonly TraceEvent[], sizes: Dimensions) {
    const dimensions: Record<string, number> = { ...sizes }
    for (const e of trace) {
      if (e.action !== 'alloc') continue
      for (const { name, size } of e.axes) if (!(name in dimensions)) readName(name, size, dimensions)
    }
    this.#dimensions = dimensions
  }

  /** The number of the formula of a dense tensor. */
  of(axes: Axes, dtype: DType): number {
    const key = `${dtype} ${axes.map((a) => `${a.name} ${a.size}`).join(' ')}`
    const known = this.#byAxes.get(key)
    if (known !== undefined) return known
    const whole = axes.reduce<Polynomial>((p, a) => product(p, this.#named(a.name, a.size)), constant(ITEMSIZE[dtype]))
    const open = substitute(whole, this.#dimensions, SIZES)
    const text = [...open]
      .map(([m, c]) => `${c}${m}`)
      .sort()
      .join()
    const index = this.#byText.get(text) ?? this.formulas.push(new SizeFormula(open)) - 1
    this.#byText.set(text, index)
    this.#byAxes.set(key, index)
    return index
  }

  /** An axis's size at other sizes of the setting. */
  size(axis: Axis, sizes: Dimensions): number {
    const key = `${axis.name} ${axis.size}`
    const known = this.#sizes.get(key)
    if (known) return known.at(sizes)
    const made = new SizeFormula(substitute(this.#named(axis.name, axis.size), this.#dimensions, SIZES))
    this.#sizes.set(key, made)
    return made.at(sizes)
  }

  /** The formulas of a trace's storages, by their number. */
  byStorage(trace: readonly TraceEvent[]): readonly number[] {
    const known = this.#byTrace.get(trace)
    if (known) return known
    const made: number[] = []
    for (const e of trace) if (e.action === 'alloc') made[e.storage] = this.of(e.axes, e.dtype)
    this.#byTrace.set(trace, made)
    return made
  }

  /** What cannot be read is taken for a size of the model's; a probe of the structure tells where that is wrong. */
  #named(name: string, size: number): Polynomial {
    const key = `${name} ${size}`
    const read = this.#names.get(key) ?? readName(name, size, this.#dimensions) ?? constant(size)
    this.#names.set(key, read)
    return read
  }
}

import { constant, type Dimensions, type Polynomial, product, readName, substitute } from '../formula/polynomial.ts'
import type { Axes } from '../trace/axes.ts'
import { type DType, ITEMSIZE } from '../trace/dtype.ts'
import type { TraceEvent } from '../trace/event.ts'
import { SIZES } from './structure.ts'

/** One term of a formula: `coefficient` times the sizes at these places of `symbols`. */
interface Term {
  readonly coefficient: number
  readonly symbols: readonly string[]
}

/** Bytes of a storage as a function of the sizes that a structure leaves open. */
export class ByteFormula {
  readonly #terms: readonly Term[]

  constructor(polynomial: Polynomial) {
    this.#terms = [...polynomial].map(([monomial, coefficient]) => ({
      coefficient,
      symbols: monomial === '' ? [] : monomial.split('·'),
    }))
  }

  at(sizes: Dimensions): number {
    let bytes = 0
    for (const { coefficient, symbols } of this.#terms) {
      let term = coefficient
      for (const s of symbols) term *= sizes[s]!
      bytes += term
    }
    return bytes
  }
}

/** The formulas of a trace's storages, each once: many storages are of one size. */
export class FormulaTable {
  readonly formulas: ByteFormula[] = []
  readonly #dimensions: Record<string, number>
  readonly #byText = new Map<string, number>()
  readonly #byAxes = new Map<string, number>()
  readonly #names = new Map<string, Polynomial>()

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
    const index = this.#byText.get(text) ?? this.formulas.push(new ByteFormula(open)) - 1
    this.#byText.set(text, index)
    this.#byAxes.set(key, index)
    return index
  }

  /** The formula of each allocation of a trace, by its place; -1 for other events. */
  ofAll(trace: readonly TraceEvent[]): number[] {
    return trace.map((e) => (e.action === 'alloc' ? this.of(e.axes, e.dtype) : -1))
  }

  /** What cannot be read is taken for a size of the model's; a probe of the structure tells where that is wrong. */
  #named(name: string, size: number): Polynomial {
    const key = `${name} ${size}`
    const read = this.#names.get(key) ?? readName(name, size, this.#dimensions) ?? constant(size)
    this.#names.set(key, read)
    return read
  }
}

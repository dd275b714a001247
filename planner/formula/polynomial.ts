/** A sum of monomials: coefficients by product of symbols, `b·t·h`, sorted; `''` is the constant. */
export type Polynomial = ReadonlyMap<string, number>

/** Sizes by symbol. */
export type Dimensions = Readonly<Record<string, number>>

export const constant = (n: number): Polynomial => new Map(n === 0 ? [] : [['', n]])

const factorsOf = (monomial: string): string[] => (monomial === '' ? [] : monomial.split('·'))

const joined = (a: string, b: string): string =>
  a === '' ? b : b === '' ? a : [...factorsOf(a), ...factorsOf(b)].sort().join('·')

/** Adds `by` times `p` to `sum`, in place; what cancels goes. */
export function addTo(sum: Map<string, number>, p: Polynomial, by = 1): void {
  for (const [m, c] of p) {
    const v = (sum.get(m) ?? 0) + by * c
    if (v === 0) sum.delete(m)
    else sum.set(m, v)
  }
}

export function product(a: Polynomial, b: Polynomial): Polynomial {
  const result = new Map<string, number>()
  for (const [m, c] of a) for (const [n, d] of b) addTo(result, new Map([[joined(m, n), c * d]]))
  return result
}

export function evaluate(p: Polynomial, dimensions: Dimensions): number {
  let sum = 0
  for (const [m, c] of p) sum += factorsOf(m).reduce((n, symbol) => n * dimensions[symbol]!, c)
  return sum
}

/** How often a symbol is a factor of a monomial. */
export const degree = (monomial: string, symbol: string): number =>
  factorsOf(monomial).filter((f) => f === symbol).length

/** `8*b*t*V + 180*L*b*t*f - 64`: largest terms first, as mathjs and most languages read it. */
export function write(p: Polynomial, dimensions: Dimensions): string {
  const size = ([m, c]: readonly [string, number]) => Math.abs(evaluate(new Map([[m, c]]), dimensions))
  const terms = [...p].sort((a, b) => size(b) - size(a))
  const text = terms.map(([m, c], i) => {
    const sign = c < 0 ? (i === 0 ? '-' : ' - ') : i === 0 ? '' : ' + '
    return `${sign}${[String(Math.abs(c)), ...factorsOf(m)].join('*')}`
  })
  return text.join('') || '0'
}

const ROUNDED = /^([A-Za-z]+?)(\d+)$/

/** The sizes with one of them changed, and with it what is that one rounded up: `t32` is `t` up to a multiple of 32. */
export function withSize(dimensions: Dimensions, symbol: string, size: number): Dimensions {
  const changed: Record<string, number> = { ...dimensions, [symbol]: size }
  for (const name of Object.keys(dimensions)) {
    const [, base, multiple] = ROUNDED.exec(name) ?? []
    if (base === symbol) changed[name] = Math.ceil(size / Number(multiple)) * Number(multiple)
  }
  return changed
}

const SYMBOL = /^[A-Za-z][A-Za-z0-9]*$/

/**
 * Reads the name of an axis as a polynomial in the dimensions: `b·t`, `a·d+2·k·d`, `d/2`, `b·(t-1)`. A name by itself that no dimension has
 * becomes one, with its size. What does not come out at the size it names is a constant of this model: null.
 */
export function readName(name: string, size: number, dimensions: Record<string, number>): Polynomial | null {
  if (name === '1') return size === 1 ? constant(1) : null
  if (SYMBOL.test(name) && !Object.hasOwn(dimensions, name)) dimensions[name] = size
  const sum = readSum(name, dimensions)
  return sum && evaluate(sum, dimensions) === size ? sum : null
}

/** A plus or minus outside brackets begins a term. */
const TERM = /(?=[+-])(?![^(]*\))/
const FACTOR = /\([^()]*\)|[^·()]+/g

function readSum(text: string, dimensions: Dimensions): Polynomial | null {
  const sum = new Map<string, number>()
  for (const term of text.split(TERM)) {
    const read = readTerm(term.replace(/^[+-]/, ''), dimensions)
    if (!read) return null
    addTo(sum, read, term.startsWith('-') ? -1 : 1)
  }
  return sum
}

/** `2·k·d`, `d/2`, `b·(t-1)` */
function readTerm(text: string, dimensions: Dimensions): Polynomial | null {
  let result: Polynomial = constant(1)
  for (const factor of text.match(FACTOR) ?? []) {
    const read = factor.startsWith('(') ? readSum(factor.slice(1, -1), dimensions) : readFactor(factor, dimensions)
    if (!read) return null
    result = product(result, read)
  }
  return result
}

function readFactor(text: string, dimensions: Dimensions): Polynomial | null {
  const [base = '', divisor = '1', ...rest] = text.split('/')
  if (rest.length > 0 || !/^\d+$/.test(divisor)) return null
  if (/^\d+$/.test(base)) return constant(Number(base) / Number(divisor))
  if (!(SYMBOL.test(base) && Object.hasOwn(dimensions, base))) return null
  return new Map([[base, 1 / Number(divisor)]])
}

/** The polynomial with the sizes of all symbols but `kept` put in. */
export function substitute(p: Polynomial, dimensions: Dimensions, kept: ReadonlySet<string>): Polynomial {
  const result = new Map<string, number>()
  for (const [m, c] of p) {
    const [open, known] = [[] as string[], [] as string[]]
    for (const f of factorsOf(m)) (kept.has(f) ? open : known).push(f)
    addTo(result, new Map([[open.join('·'), known.reduce((n, f) => n * dimensions[f]!, c)]]))
  }
  return result
}

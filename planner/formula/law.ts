import { type Axes, numel } from '../trace/axes.ts'
import { ITEMSIZE } from '../trace/dtype.ts'
import type { Category } from '../trace/event.ts'
import type { Live } from '../trace/reading.ts'
import type { Kind } from '../trace/tables.ts'

export interface LawTerm {
  /** Product of symbols: `b·t·h`; `n` for whole tensors of the model. */
  readonly symbol: string
  readonly bytes: number
  readonly category: Category
}

export interface Law {
  readonly expression: string
  /** Bytes that one more token in the batch adds at this instant. */
  readonly per_token_bytes: number
  readonly terms: readonly LawTerm[]
}

const OF_THE_MODEL: ReadonlySet<Category> = new Set(['parameter', 'gradient', 'optimizer state', 'buffer'])

/** What one symbol adds up to, before it is written out. */
export interface LawSum {
  readonly symbol: string
  readonly category: Category
  bytes: number
  units: number
  perToken: number
}

/** Sums over what is alive, by category and symbol. */
export function lawSums(kinds: Iterable<Kind>): Map<string, LawSum> {
  const sums = new Map<string, LawSum>()
  for (const { first: s, category, count } of kinds) {
    const model = OF_THE_MODEL.has(category)
    const symbol = model ? modelSymbol(category, ITEMSIZE[s.dtype]) : symbolOf(s.axes)
    const key = `${category}|${symbol}`
    const known = sums.get(key)
    const entry = known ?? { symbol, category, bytes: 0, units: 0, perToken: 0 }
    if (!known) sums.set(key, entry)
    entry.bytes += count * s.bytes
    entry.units += count * (model ? s.bytes : ITEMSIZE[s.dtype] * (symbol === '1' ? numel(s.axes) : 1))
    if (!model) entry.perToken += count * perToken(s)
  }
  return sums
}

/**
 * The peak as a sum over what is alive at its instant: `120·b·t·h + 28·b·t·f + …`. Coefficients count the layers in.
 * What belongs to the model is one term a category: bytes a parameter times n.
 */
export function lawOf(sums: Iterable<LawSum>): Law {
  const terms = [...sums].sort((a, b) => b.bytes - a.bytes)
  const expression = terms
    .map((t) =>
      OF_THE_MODEL.has(t.category) ? t.symbol : t.symbol === '1' ? String(t.units) : `${t.units}·${t.symbol}`,
    )
    .join(' + ')
  return {
    expression,
    per_token_bytes: terms.reduce((n, t) => n + t.perToken, 0),
    terms: terms.map(({ symbol, bytes, category }) => ({ symbol, bytes, category })),
  }
}

const modelSymbol = (category: Category, itemsize: number): string =>
  `${itemsize}·n(${category}${itemsize === 4 ? ', float32' : ''})`

const symbolOf = (axes: Axes): string => {
  const names = axes.filter((a) => a.name !== '1').map((a) => a.name)
  return names.length === 0 ? '1' : names.join('·')
}

/** Bytes a token for a storage that grows with `b·t`; one that grows with t alone or t² is not linear in tokens and left out. */
function perToken(s: Live): number {
  let [batches, tokens, of] = [0, 0, 1]
  for (const { name, size } of s.axes) {
    const before = batches + tokens
    for (const symbol of name.length === 1 ? name : name.split('·')) {
      if (symbol === 'b') batches++
      else if (symbol === 't') tokens++
    }
    if (batches + tokens > before) of *= size
  }
  return batches > 0 && tokens === 1 ? s.bytes / of : 0
}

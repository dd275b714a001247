/** Rows, and keys, of one block of attention scores where they are worked out by blocks: a square of 64 KiB a head in float32. */
export const TILE = 128

/** Some tokens in a row. */
export interface Span {
  readonly start: number
  readonly length: number
}

/** Which keys a query may see by their places alone: itself and what is before it or on both sides, not farther than `window`. */
export interface Sight {
  readonly causal: boolean
  readonly window: number | null
}

/** All tokens, `size` at a time. */
export function spansOf(tokens: number, size: number): Span[] {
  const spans: Span[] = []
  for (let start = 0; start < tokens; start += size) spans.push({ start, length: Math.min(size, tokens - start) })
  return spans
}

/** The blocks of keys of which some query of `rows` sees some key. */
export function spansSeen(rows: Span, keys: number, sight: Sight, size: number): Span[] {
  const [begin] = keysSeen(rows.start, sight)
  const [, end] = keysSeen(rows.start + rows.length - 1, sight)
  return spansOf(keys, size).filter(({ start, length }) => start < end && start + length > begin)
}

/** The first key that a query at a place may see, and the one after the last. */
export function keysSeen(query: number, { causal, window }: Sight): readonly [begin: number, end: number] {
  const reach = window ?? Number.POSITIVE_INFINITY
  return [query - reach + 1, causal ? query + 1 : query + reach]
}

/** Steps from the root of a document to a value: `['rope_parameters', 'rope_theta']`. */
export type Path = readonly (string | number)[]

/** A parsed document that still knows where each value stood. */
export interface Source {
  /** What the person calls it: the file name, or `catalog smollm2-135m`. */
  readonly label: string
  readonly value: unknown
  /** `config.json:12:5 hidden_size`; for a missing value, the place of the nearest parent. */
  readonly at: (path: Path) => string
}

/** A document that never was text, so that only paths can be told. */
export function objectSource(label: string, value: unknown): Source {
  return { label, value, at: (path) => (path.length === 0 ? label : `${label} ${formatPath(path)}`) }
}

/** A document read from text. `offsets` holds, by `pathKey`, where each key or item starts (UTF-16 units from 0). */
export function textSource(label: string, text: string, value: unknown, offsets: ReadonlyMap<string, number>): Source {
  const positionOf = positions(label, text)
  const at = (path: Path): string => {
    let offset: number | undefined
    for (let end = path.length; end >= 0 && offset === undefined; end--)
      offset = offsets.get(pathKey(path.slice(0, end)))
    const place = positionOf(offset ?? 0)
    return path.length === 0 ? place : `${place} ${formatPath(path)}`
  }
  return { label, value, at }
}

/** `config.json:12:5`, line and column counted from 1. */
export function formatPosition(label: string, text: string, offset: number): string {
  return positions(label, text)(offset)
}

/** Positions in one text: where its lines start is found once, so that a thousand places cost no more than one. */
function positions(label: string, text: string): (offset: number) => string {
  let starts: number[] | undefined
  return (offset) => {
    starts ??= [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return `${label}:${low + 1}:${offset - starts[low]! + 1}`
  }
}

/** One string a path: JSON, so that no key can be mistaken for a separator. */
export function pathKey(path: Path): string {
  return JSON.stringify(path)
}

/** `blocks[2].of[0].heads`. Keys of a stranger are cut at 60 characters and cleaned of control characters. */
export function formatPath(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${printable(step)}`))
    .join('')
}

/** A stranger's text made safe to print: no control or bidirectional characters, at most `limit` characters. */
export function printable(text: string, limit = 60): string {
  const clean = text.slice(0, limit).replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\uFFFD')
  return text.length > limit ? `${clean}…` : clean
}

/** How a value reads in an error: `"abc"`, `0`, `a list`. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `"${printable(value)}"`
  if (Array.isArray(value)) return 'a list'
  if (value !== null && typeof value === 'object') return 'an object'
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  return String(value)
}

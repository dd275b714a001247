/** Layer numbers folded, as tables print a path: `model.layers.3.mlp` → `model.layers.*.mlp`. */
export function foldScope(scope: string): string {
  const known = folded.get(scope)
  if (known !== undefined) return known
  const result = scope.replace(/\.\d+(?=\.|$)/g, '.*')
  folded.set(scope, result)
  return result
}

const folded = new Map<string, string>()

/** Paths that differ in their first number only: `model.layers.*.mlp`. One object a pattern, so that two compare by identity. */
export class ScopePattern {
  readonly before: string
  readonly after: string
  readonly #paths: string[] = []

  constructor(before: string, after: string) {
    this.before = before
    this.after = after
  }

  /** The path with its number. */
  at(layer: number): string {
    const known = this.#paths[layer]
    if (known !== undefined) return known
    const path = `${this.before}${layer}${this.after}`
    this.#paths[layer] = path
    return path
  }
}

/** A path as its pattern and number. */
export interface Place {
  readonly pattern: ScopePattern
  /** -1 where the path has no number. */
  readonly layer: number
}

/** Where a scope stands among the layers: `model.layers.3.mlp` is 3 of `model.layers.*.mlp`. */
export function placeOf(scope: string): Place {
  const known = places.get(scope)
  if (known) return known
  const match = /^(.*?\.)(\d+)((?:\..*)?)$/.exec(scope)
  const [before, after] = match ? [match[1]!, match[3]!] : [scope, '']
  const key = match ? `${before}*${after}` : scope
  const pattern = patterns.get(key) ?? new ScopePattern(before, after)
  patterns.set(key, pattern)
  const place: Place = { pattern, layer: match ? Number(match[2]) : -1 }
  places.set(scope, place)
  return place
}

const places = new Map<string, Place>()
const patterns = new Map<string, ScopePattern>()

/**
 * The candidates most like `name`, best first: for "did you mean". Compared without case and punctuation, by edit
 * distance (insert, delete, replace, swap of neighbours); a candidate that starts with the name counts as near.
 *
 * @param name what a person or a file said; only its first 64 characters count
 * @param limit how many at most
 * @returns none if nothing is near
 */
export function nearest(name: string, candidates: readonly string[], limit = 3): string[] {
  const wanted = normalize(name)
  if (wanted === '') return []
  return candidates
    .map((candidate) => ({ candidate, distance: distanceTo(wanted, normalize(candidate)) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(wanted.length * 0.4)))
    .sort((x, y) => x.distance - y.distance || (x.candidate < y.candidate ? -1 : 1))
    .slice(0, limit)
    .map(({ candidate }) => candidate)
}

/** "Did you mean a, b or c?", or `otherwise` if nothing is near. */
export function didYouMean(name: string, candidates: readonly string[], otherwise: string): string {
  const near = nearest(name, candidates)
  if (near.length === 0) return otherwise
  const last = near[near.length - 1]
  return `Did you mean ${near.length === 1 ? last : `${near.slice(0, -1).join(', ')} or ${last}`}?`
}

/** Edits that turn one string into the other, a swap of neighbours counting as one (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  let previous: number[] = []
  let current = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replace = current[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next[j] = Math.min(replace, current[j]! + 1, next[j - 1]! + 1)
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) next[j] = Math.min(next[j]!, previous[j - 2]! + 1)
    }
    previous = current
    current = next
  }
  return current[to.length]!
}

function distanceTo(wanted: string, candidate: string): number {
  const edits = editDistance(wanted, candidate)
  const contained = wanted.length >= 3 && (candidate.startsWith(wanted) || wanted.startsWith(candidate))
  return contained ? Math.min(edits, 1) : edits
}

function normalize(name: string): string {
  return name
    .slice(0, 64)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}

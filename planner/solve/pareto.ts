import type { Candidate } from './candidate.ts'

/** A setting with its costs, each the less the better, and its place: what beats it comes before it. */
interface Ranked {
  readonly candidate: Candidate
  readonly costs: readonly [blocks: number, seconds: number, parameters: number]
  place: number
}

/**
 * The settings that fit and that no other one that fits equals or beats in memory, time and trainable parameters; of equals the one with
 * fewer changes. Whether a setting fits takes a replay, so only those are asked that an answer hangs on.
 */
export class Frontier {
  readonly #sorted: readonly Ranked[]
  readonly #ranked: ReadonlyMap<Candidate, Ranked>
  readonly #replay: (c: Candidate) => boolean
  readonly #known = new Map<Candidate, boolean>()
  readonly #fitting: Ranked[] = []

  constructor(candidates: readonly Candidate[], replay: (c: Candidate) => boolean) {
    this.#sorted = candidates
      .map((candidate): Ranked => {
        const { peak, seconds, parameters } = candidate
        return { candidate, costs: [peak.blocks, seconds, -parameters.trainable], place: 0 }
      })
      .sort((a, b) => compare(a, b) || a.candidate.changes - b.candidate.changes)
    this.#sorted.forEach((ranked, place) => {
      ranked.place = place
    })
    this.#ranked = new Map(this.#sorted.map((ranked) => [ranked.candidate, ranked]))
    this.#replay = replay
  }

  /** Whether it fits and nothing else that fits equals or beats it. One of the candidates. */
  has(candidate: Candidate): boolean {
    const c = this.#ranked.get(candidate)!
    if (this.#fitting.some((b) => beats(b, c))) return false
    for (const b of this.#sorted) {
      if (b.place >= c.place) break
      if (beats(b, c) && this.fits(b.candidate)) return false
    }
    return this.fits(candidate)
  }

  /** Asked once for each. */
  fits(candidate: Candidate): boolean {
    const known = this.#known.get(candidate)
    if (known !== undefined) return known
    const fits = this.#replay(candidate)
    this.#known.set(candidate, fits)
    const ranked = this.#ranked.get(candidate)
    if (fits && ranked) this.#fitting.push(ranked)
    return fits
  }
}

const beats = (b: Ranked, c: Ranked): boolean =>
  b.place < c.place && b.costs[0] <= c.costs[0] && b.costs[1] <= c.costs[1] && b.costs[2] <= c.costs[2]

function compare({ costs: a }: Ranked, { costs: b }: Ranked): number {
  const i = a.findIndex((cost, i) => cost !== b[i])
  return i < 0 ? 0 : a[i]! - b[i]!
}

import { CATEGORIES, type Phase } from '../trace/event.ts'
import { type ByCategory, byCategory } from '../trace/reading.ts'
import { line } from './growth.ts'
import type { Stretch } from './repetition.ts'

const WIDTH = CATEGORIES.length

/** Points of a step at which bytes were highest for a while, and the ends of its phases; in columns. */
export class Timeline {
  readonly seq: number[] = []
  /** The event that each stands before, by the number of those before that in all steps. */
  readonly index: number[] = []
  readonly phase: Phase[] = []
  /** The last one of its phase. */
  readonly closes: boolean[] = []
  /** Bytes by category, as many a point as there are categories. */
  readonly sums: number[] = []

  push(seq: number, index: number, phase: Phase, closes: boolean, sums: ArrayLike<number>): void {
    this.seq.push(seq)
    this.index.push(index)
    this.phase.push(phase)
    this.closes.push(closes)
    for (let c = 0; c < WIDTH; c++) this.sums.push(sums[c]!)
  }

  bytesAt(i: number): number[] {
    return this.sums.slice(i * WIDTH, (i + 1) * WIDTH)
  }

  written(): WrittenTimeline {
    return this.seq.map((seq, i) => [seq, this.phase[i]!, byCategory(this.sums, i * WIDTH)])
  }
}

/** A timeline as an estimate has it. */
export type WrittenTimeline = [seq: number, phase: Phase, parts: ByCategory][]

/** The timeline with the blocks' points repeated, each copy by its own bytes further. Null where the points do not repeat. */
export function foldTimeline(
  short: Timeline,
  long: Timeline,
  stretches: readonly Stretch[],
  more: number,
): WrittenTimeline | null {
  const result: WrittenTimeline = []
  let [i, j] = [0, 0]
  for (const { short: ofShort, long: ofLong, at } of stretches) {
    const [end, longEnd] = [pointsUpTo(short, i, ofShort[1]), pointsUpTo(long, j, ofLong[1])]
    const inner = longEnd - j - (end - i)
    if (inner < 0) return null
    let seam = i
    while (seam < end && short.index[seam]! < at) seam++
    const first = j + seam - i
    // The block's first point has its twin one block on in the longer trace: their difference is what a block adds.
    if (inner > 0 && (seam === end || first + inner === longEnd)) return null
    for (let p = i; p < seam; p++) extend(result, short, p, long, j + p - i, more)
    if (inner > 0) insertBlocks(result, short, seam, long, first, first + inner, more)
    for (let p = seam; p < end; p++) extend(result, short, p, long, longEnd - (end - p), more)
    ;[i, j] = [end, longEnd]
  }
  return result
}

/** The end of a stretch's points, from the first that was not yet taken. The last of a phase stands where the next one begins. */
function pointsUpTo({ index, closes }: Timeline, from: number, end: number): number {
  let to = from
  while (to < index.length && (index[to]! < end || (closes[to] && index[to] === end))) to++
  return to
}

/** Holds the bytes of the point that is being made. */
const bytes = new Float64Array(WIDTH)

/** Adds a point that is in both traces. */
function extend(result: WrittenTimeline, short: Timeline, i: number, long: Timeline, j: number, more: number): void {
  for (let c = 0; c < WIDTH; c++) bytes[c] = line(short.sums[i * WIDTH + c]!, long.sums[j * WIDTH + c]!, more)
  result.push([line(short.seq[i]!, long.seq[j]!, more), short.phase[i]!, byCategory(bytes)])
}

/**
 * Adds the points of the blocks that come in: those of `long` from `first` to its twin. A layer more moves all of them by the same, and
 * so does a block each further copy.
 */
function insertBlocks(
  result: WrittenTimeline,
  short: Timeline,
  seam: number,
  long: Timeline,
  first: number,
  twin: number,
  more: number,
): void {
  const [base, a, b] = [short.bytesAt(seam), long.bytesAt(first), long.bytesAt(twin)]
  const grown = a.map((v, c) => (more - 1) * (v - base[c]!))
  const step = b.map((v, c) => v - a[c]!)
  const seq = (more - 1) * (long.seq[first]! - short.seq[seam]!)
  const seqStep = long.seq[twin]! - long.seq[first]!
  for (let copy = 0; copy < more; copy++) {
    for (let i = first; i < twin; i++) {
      for (let c = 0; c < WIDTH; c++) bytes[c] = long.sums[i * WIDTH + c]! + grown[c]! + copy * step[c]!
      result.push([long.seq[i]! + seq + copy * seqStep, long.phase[i]!, byCategory(bytes)])
    }
  }
}

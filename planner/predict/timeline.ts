import { CATEGORIES } from '../trace/event.ts'
import type { ByCategory, TimelinePoint } from './facts.ts'
import { difference, line, lines, sumOf } from './growth.ts'
import type { Stretch } from './repetition.ts'

/** The timeline with the blocks' points repeated, each copy by its own bytes further. Null where the points do not repeat. */
export function foldTimeline(
  short: readonly TimelinePoint[],
  long: readonly TimelinePoint[],
  stretches: readonly Stretch[],
  more: number,
): TimelinePoint[] | null {
  const result: TimelinePoint[] = []
  let [i, j] = [0, 0]
  for (const stretch of stretches) {
    const [p3, p4] = [pointsUpTo(short, i, stretch.short[1]), pointsUpTo(long, j, stretch.long[1])]
    ;[i, j] = [i + p3.length, j + p4.length]
    const points = foldStretch(p3, p4, stretch, more)
    if (!points) return null
    for (const p of points) result.push(p)
  }
  return result
}

/** The points of a stretch, from the first that was not yet taken. The last of a phase stands where the next one begins. */
function pointsUpTo(timeline: readonly TimelinePoint[], from: number, end: number): TimelinePoint[] {
  let to = from
  while (to < timeline.length && isWithin(timeline[to]!, end)) to++
  return timeline.slice(from, to)
}

const isWithin = ({ index, closes }: TimelinePoint, end: number): boolean => index < end || (closes && index === end)

function foldStretch(
  p3: readonly TimelinePoint[],
  p4: readonly TimelinePoint[],
  { at, block }: Stretch,
  more: number,
): TimelinePoint[] | null {
  const extend = (a: TimelinePoint, b: TimelinePoint): TimelinePoint => ({
    seq: line(a.seq, b.seq, more),
    index: line(a.index, b.index, more),
    phase: a.phase,
    closes: a.closes,
    parts: lines(a.parts, b.parts, more),
  })
  const front = p3.filter((p) => p.index < at).length
  const inner = p4.length - p3.length
  if (inner < 0) return null
  const result = p3.slice(0, front).map((p, i) => extend(p, p4[i]!))
  if (inner > 0) {
    // The block's first point has its twin one block on in the longer trace: their difference is what a block adds.
    const [base, a, b] = [p3[front], p4[front], p4[front + inner]]
    if (!base || !a || !b) return null
    const growth = growthOf(base, a)
    const [step, seqStep] = [difference(b.parts, a.parts), b.seq - a.seq]
    const first = p4.slice(front, front + inner).map((p) => ({
      seq: p.seq + (more - 1) * growth.seq,
      index: p.index + (more - 1) * (a.index - base.index),
      phase: p.phase,
      closes: p.closes,
      parts: lines(p.parts, sumOf(p.parts, growth.parts), more - 1),
    }))
    const moving = CATEGORIES.filter((c) => step[c])
    for (let m = 0; m < more; m++) {
      for (const p of first) {
        const parts = { ...p.parts }
        for (const c of moving) {
          const v = (parts[c] ?? 0) + m * step[c]!
          if (v > 0) parts[c] = v
          else delete parts[c]
        }
        result.push({ seq: p.seq + m * seqStep, index: p.index + m * block, phase: p.phase, closes: p.closes, parts })
      }
    }
  }
  for (let i = front; i < p3.length; i++) result.push(extend(p3[i]!, p4[i + inner]!))
  return result
}

/** What one layer more adds at an instant that keeps its place from the front. */
const growthOf = (three: TimelinePoint, four: TimelinePoint): { seq: number; parts: ByCategory } => ({
  seq: four.seq - three.seq,
  parts: difference(four.parts, three.parts),
})

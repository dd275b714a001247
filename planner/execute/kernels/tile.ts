import { keysSeen, type Sight, type Span } from '../../ops/tiles.ts'
import { type Axes, type Axis, axis } from '../../trace/axes.ts'
import type { Num, Primitives } from './primitives.ts'

/** How a tensor of attention lies: `[b, a, t, d]`, or `[b, t, a, d]` as flash-attn takes it. */
export type Layout = 'heads first' | 'tokens first'

/** The sizes of one attention: `groups` query heads for each of `kv` key heads. */
export interface Heads {
  readonly batch: number
  readonly kv: number
  readonly groups: number
}

/** The axes of a tile: batch and key heads, the rows of each group below one another, the head's width. */
export function tileAxes({ batch, kv, groups }: Heads, rows: number, width: Axis): Axes {
  return [axis('b·k', batch * kv), axis('a/k·tile', groups * rows), width]
}

/** Calls `visit` for each row of a tile with the index of its first element in the tile and in the tensor that it is a part of. */
function eachRow(
  x: Num,
  layout: Layout,
  { batch, kv, groups }: Heads,
  span: Span,
  visit: (inTile: number, inTensor: number, width: number) => void,
): void {
  const heads = kv * groups
  const tokens = x.axes[layout === 'heads first' ? 2 : 1]!.size
  const width = x.axes[3]?.size ?? 1
  let row = 0
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      for (let t = span.start; t < span.start + span.length; t++) {
        const at = layout === 'heads first' ? (b * heads + head) * tokens + t : (b * tokens + t) * heads + head
        visit(row++ * width, at * width, width)
      }
    }
  }
}

/** The tokens of a span, times `scale`: a copy. */
export function takeTile(p: Primitives, x: Num, layout: Layout, heads: Heads, span: Span, scale = 1): Num {
  const y = p.zeros(tileAxes(heads, span.length, x.axes[3] ?? axis('1', 1)))
  const [from, to] = [p.values(x), p.values(y)]
  eachRow(x, layout, heads, span, (inTile, inTensor, width) => {
    if (scale === 1) to.set(from.subarray(inTensor, inTensor + width), inTile)
    else for (let i = 0; i < width; i++) to[inTile + i] = scale * from[inTensor + i]!
  })
  return y
}

/** Adds a tile, times `scale`, to the tokens of a span. */
export function addTile(p: Primitives, tile: Num, x: Num, layout: Layout, heads: Heads, span: Span, scale = 1): void {
  const [from, to] = [p.values(tile), p.values(x)]
  eachRow(x, layout, heads, span, (inTile, inTensor, width) => {
    for (let i = 0; i < width; i++) to[inTensor + i]! += scale * from[inTile + i]!
  })
}

/** The lowest float32: after the softmax nothing is left of it. */
const LOWEST = -3.4028234663852886e38

/** Hides what is out of sight in a tile of scores, in place. */
export function hideByPlace(p: Primitives, scores: Num, sight: Sight, rows: Span, keys: Span): void {
  const [, end] = keysSeen(rows.start, sight)
  const [begin] = keysSeen(rows.start + rows.length - 1, sight)
  if (begin <= keys.start && keys.start + keys.length <= end) return
  const within = (key: number): number => Math.min(keys.length, Math.max(0, key - keys.start))
  const values = p.values(scores)
  for (let at = 0, row = 0; at < values.length; at += keys.length, row++) {
    const [from, to] = keysSeen(rows.start + (row % rows.length), sight)
    values.fill(LOWEST, at, at + within(from))
    values.fill(LOWEST, at + within(to), at + keys.length)
  }
}

/** Hides what a mask `[b or 1, a or 1, t, s]` hides in a tile of scores, in place: a bool one what is 0 in it, any other is added. */
export function hideByMask(p: Primitives, scores: Num, mask: Num, heads: Heads, rows: Span, keys: Span): void {
  const [to, from] = [p.values(scores), p.values(mask)]
  const [batch, wide, tokens, width] = mask.axes.map((a) => a.size) as [number, number, number, number]
  const all = heads.kv * heads.groups
  let at = 0
  for (let b = 0; b < heads.batch; b++) {
    for (let head = 0; head < all; head++) {
      const matrix = (batch === 1 ? 0 : b) * wide + (wide === 1 ? 0 : head)
      for (let t = rows.start; t < rows.start + rows.length; t++, at += keys.length) {
        const start = (matrix * tokens + t) * width + keys.start
        for (let i = 0; i < keys.length; i++) {
          if (mask.dtype !== 'bool') to[at + i]! += from[start + i]!
          else if (from[start + i] === 0) to[at + i] = LOWEST
        }
      }
    }
  }
}

/** Drops elements of a tile in place, the rest times 1 / (1 − rate). */
export function dropInPlace(p: Primitives, x: Num, rate: number, next: () => number): void {
  const values = p.values(x)
  const scale = rate < 1 ? 1 / (1 - rate) : 0
  for (let i = 0; i < values.length; i++) values[i] = next() < rate ? 0 : values[i]! * scale
}

/** cap · tanh(x / cap), in place. */
export function capInPlace(p: Primitives, x: Num, cap: number): void {
  const values = p.values(x)
  for (let i = 0; i < values.length; i++) values[i] = cap * Math.tanh(values[i]! / cap)
}

/** A gradient of capped scores y to one of plain scores, in place: times 1 − (y / cap)², y as ln P + lse. */
export function uncapInPlace(
  p: Primitives,
  dScores: Num,
  { powers, lse, cap }: { readonly powers: Num; readonly lse: Num; readonly cap: number },
): void {
  const [to, probabilities, rows] = [p.values(dScores), p.values(powers), p.values(lse)]
  const width = to.length / rows.length
  for (let i = 0; i < to.length; i++) {
    const probability = probabilities[i]!
    // What is hidden has no gradient already.
    if (probability > 0) to[i]! *= 1 - ((Math.log(probability) + rows[Math.floor(i / width)]!) / cap) ** 2
  }
}

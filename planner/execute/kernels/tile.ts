import { keysSeen, type Sight, type Span } from '../../ops/tiles.ts'
import { type Axes, type Axis, axis, numel } from '../../trace/axes.ts'
import type { DeviceLoop } from '../engines/loop.ts'
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

/** The same walk as a device's loop is told it: where the span begins, then sizes and steps in the tensor. */
function walkOf(x: Num, layout: Layout, { batch, kv, groups }: Heads, { start, length }: Span): number[] {
  const heads = kv * groups
  const tokens = x.axes[layout === 'heads first' ? 2 : 1]!.size
  const width = x.axes[3]?.size ?? 1
  const [head, token] = layout === 'heads first' ? [tokens * width, width] : [width, heads * width]
  return [start * token, batch, heads, length, width, heads * tokens * width, head, token, 1]
}

const TAKE: DeviceLoop = { name: 'take tile', written: 1, body: 'b0[i] = r(0) * b1[n(0) + place(i, 1, 4)];' }
const ADD: DeviceLoop = { name: 'add tile', written: 1, body: 'b0[n(0) + place(i, 1, 4)] += r(0) * b1[i];' }

/** The tokens of a span, times `scale`: a copy. */
export function takeTile(p: Primitives, x: Num, layout: Layout, heads: Heads, span: Span, scale = 1): Num {
  const y = p.zeros(tileAxes(heads, span.length, x.axes[3] ?? axis('1', 1)))
  const told = () => ({ count: numel(y.axes), whole: walkOf(x, layout, heads, span), real: [scale] })
  p.loop(TAKE, [y, x], told, (to, from) => {
    eachRow(x, layout, heads, span, (inTile, inTensor, width) => {
      if (scale === 1) to.set(from.subarray(inTensor, inTensor + width), inTile)
      else for (let i = 0; i < width; i++) to[inTile + i] = scale * from[inTensor + i]!
    })
  })
  return y
}

/** Adds a tile, times `scale`, to the tokens of a span. */
export function addTile(p: Primitives, tile: Num, x: Num, layout: Layout, heads: Heads, span: Span, scale = 1): void {
  const told = () => ({ count: numel(tile.axes), whole: walkOf(x, layout, heads, span), real: [scale] })
  p.loop(ADD, [x, tile], told, (to, from) => {
    eachRow(x, layout, heads, span, (inTile, inTensor, width) => {
      for (let i = 0; i < width; i++) to[inTensor + i]! += scale * from[inTile + i]!
    })
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
  const seen = Array.from({ length: rows.length }, (_, row) => keysSeen(rows.start + row, sight).map(within)).flat()
  const told = () => ({ count: numel(scores.axes), whole: [keys.length, rows.length, ...seen] })
  p.loop(HIDE, [scores], told, (values) => {
    for (let at = 0, row = 0; at < values.length; at += keys.length, row++) {
      const of = 2 * (row % rows.length)
      values.fill(LOWEST, at, at + seen[of]!)
      values.fill(LOWEST, at + seen[of + 1]!, at + keys.length)
    }
  })
}

/** `LOWEST` in WGSL. */
const LOWEST_BITS = 'bitcast<f32>(0xff7fffffu)'

const HIDE: DeviceLoop = {
  name: 'hide by place',
  written: 1,
  body: `
    let row = 2 + 2 * ((i / n(0)) % n(1));
    let key = i % n(0);
    if (key < n(row) || key >= n(row + 1)) { b0[i] = ${LOWEST_BITS}; }`,
}

const HIDE_BY_ZEROS: DeviceLoop = {
  name: 'hide by zeros',
  written: 1,
  body: `if (b1[n(0) + place(i, 1, 4)] == 0) { b0[i] = ${LOWEST_BITS}; }`,
}
const ADD_MASK: DeviceLoop = { name: 'add mask', written: 1, body: 'b0[i] += b1[n(0) + place(i, 1, 4)];' }

/** Distance between neighbours along a batch, its heads, queries and keys; 0 where the mask has one for all. */
function stepsInMask({ axes }: Num): readonly number[] {
  const sizes = axes.map((a) => a.size)
  if (sizes.length === 2) return [sizes[1]!, 0, 0, 1]
  const [batch, wide, tokens, width] = sizes as [number, number, number, number]
  const matrix = tokens * width
  return [batch === 1 ? 0 : wide * matrix, wide === 1 ? 0 : matrix, width, 1]
}

/**
 * Hides what a mask hides in a tile of scores, in place. `[b or 1, a or 1, t, s]`: a bool one hides what is 0 in it, any other is added.
 * A batch's own, `[b, s]` of whole numbers, hides keys for all heads and queries.
 */
export function hideByMask(p: Primitives, scores: Num, mask: Num, heads: Heads, rows: Span, keys: Span): void {
  const all = heads.kv * heads.groups
  const steps = stepsInMask(mask)
  const first = rows.start * steps[2]! + keys.start
  const adds = mask.dtype === 'float32'
  const told = () => ({
    count: numel(scores.axes),
    whole: [first, heads.batch, all, rows.length, keys.length, ...steps],
  })
  p.loop(adds ? ADD_MASK : HIDE_BY_ZEROS, [scores, mask], told, (to, from) => {
    let at = 0
    for (let b = 0; b < heads.batch; b++) {
      for (let head = 0; head < all; head++) {
        for (let t = 0; t < rows.length; t++, at += keys.length) {
          const start = first + b * steps[0]! + head * steps[1]! + t * steps[2]!
          for (let i = 0; i < keys.length; i++) {
            if (adds) to[at + i]! += from[start + i]!
            else if (from[start + i] === 0) to[at + i] = LOWEST
          }
        }
      }
    }
  })
}

/** Drops elements of a tile in place, the rest times 1 / (1 − rate). */
export function dropInPlace(p: Primitives, x: Num, rate: number, next: () => number): void {
  const scale = rate < 1 ? 1 / (1 - rate) : 0
  const count = numel(x.axes)
  const told = () => ({ count, real: Float32Array.from({ length: count }, () => (next() < rate ? 0 : scale)) })
  p.loop(SCALE_EACH, [x], told, (values) => {
    for (let i = 0; i < values.length; i++) values[i] = next() < rate ? 0 : values[i]! * scale
  })
}

const SCALE_EACH: DeviceLoop = { name: 'scale each', written: 1, body: 'b0[i] *= r(i);' }

/** cap · tanh(x / cap), in place. */
export function capInPlace(p: Primitives, x: Num, cap: number): void {
  const told = () => ({ count: numel(x.axes), real: [cap] })
  p.loop(CAP, [x], told, (values) => {
    for (let i = 0; i < values.length; i++) values[i] = cap * Math.tanh(values[i]! / cap)
  })
}

const CAP: DeviceLoop = { name: 'cap', written: 1, body: 'b0[i] = r(0) * tanh(b0[i] / r(0));' }

/** A gradient of capped scores y to one of plain scores, in place: times 1 − (y / cap)², y as ln P + lse. */
export function uncapInPlace(
  p: Primitives,
  dScores: Num,
  { powers, lse, cap }: { readonly powers: Num; readonly lse: Num; readonly cap: number },
): void {
  const width = numel(dScores.axes) / numel(lse.axes)
  const told = () => ({ count: numel(dScores.axes), whole: [width], real: [cap] })
  p.loop(UNCAP, [dScores, powers, lse], told, (to, probabilities, rows) => {
    for (let i = 0; i < to.length; i++) {
      const probability = probabilities[i]!
      // What is hidden has no gradient already.
      if (probability > 0) to[i]! *= 1 - ((Math.log(probability) + rows[Math.floor(i / width)]!) / cap) ** 2
    }
  })
}

const UNCAP: DeviceLoop = {
  name: 'uncap',
  written: 1,
  body: `
    if (b1[i] > 0) {
      let y = (log(b1[i]) + b2[i / n(0)]) / r(0);
      b0[i] *= 1 - y * y;
    }`,
}

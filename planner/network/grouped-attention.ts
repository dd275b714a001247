import type { Frame, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Attention, joinHeads } from './attention.ts'
import type { Builder } from './builder.ts'
import type { Linear } from './linear.ts'
import { applyRotary } from './rotary.ts'
import type { Around } from './rotary-decoder.ts'
import { pieceOf } from './tensor-parallel.ts'

/** Attention of a decoder whose heads share keys and values: four linears and their axes. */
export interface GroupedAttention {
  readonly path: string
  readonly q: Linear
  readonly k: Linear
  readonly v: Linear
  readonly output: Linear
  readonly axes: HeadAxes
}

export interface HeadAxes {
  readonly batch: Axis
  readonly tokens: Axis
  /** Columns of a head. */
  readonly d: Axis
  readonly heads: Axis
  readonly kvHeads: Axis
  /** All heads side by side. */
  readonly query: Axis
  readonly keyValue: Axis
}

export function headAxes(
  spec: { readonly hidden: number; readonly heads: number; readonly kvHeads: number; readonly headDim: number },
  train: TrainSpec,
): HeadAxes {
  const side = (n: number, name: string) =>
    n * spec.headDim === spec.hidden ? axis('h', spec.hidden) : axis(`${name}·d`, n * spec.headDim)
  return {
    batch: axis('b', train.batch),
    tokens: axis('t', train.tokens),
    d: axis('d', spec.headDim),
    heads: axis('a', spec.heads),
    kvHeads: axis('k', spec.kvHeads),
    query: side(spec.heads, 'a'),
    keyValue: side(spec.kvHeads, 'k'),
  }
}

export function declareGroupedAttention(
  b: Builder,
  path: string,
  h: Axis,
  axes: HeadAxes,
  { bias, outputBias = bias }: { readonly bias: boolean; readonly outputBias?: boolean },
): GroupedAttention {
  return {
    path,
    q: b.linear(`${path}.q_proj`, h, axes.query, { bias }),
    k: b.linear(`${path}.k_proj`, h, axes.keyValue, { bias }),
    v: b.linear(`${path}.v_proj`, h, axes.keyValue, { bias }),
    output: b.linear(`${path}.o_proj`, axes.query, h, { bias: outputBias }),
    axes,
  }
}

/** `y.view(hidden_shape).transpose(1, 2)`: `[b, t, n·d] → [b, n, t, d]`; `made` is done in between (Qwen3's head norms). */
export function splitHeads<T extends Tensor>(
  o: Shorthand<T>,
  { batch, tokens, d }: HeadAxes,
  y: T,
  n: Axis,
  made: (apart: T) => T = (apart) => apart,
): T {
  return o.transpose(made(o.view(y, [batch, tokens, here(y, n, d), d])), 1, 2)
}

/** Heads as wide as `d` that y `[b, t, n·d]` has columns for: all, or the rank's piece of them. */
function here(y: Tensor, n: Axis, d: Axis): Axis {
  const size = y.axes.at(-1)!.size / d.size
  return size === n.size ? n : pieceOf(n, n.size / size)
}

/** How queries find keys. */
export interface Attending {
  readonly attend: Attention
  readonly dropout: number
  readonly scale: number
  readonly cap?: number | null
  /** Tokens that a query sees, where not all before it. */
  readonly window?: number | null
  /** Null for a layer that does not turn them. */
  readonly rotate?: typeof applyRotary | null
}

/** An attention's forward from q, k and v on, names of the frame: they turn, attend, and are led out. */
export function attendHeads<T extends Tensor>(
  o: Shorthand<T>,
  s: Frame<T>,
  m: GroupedAttention,
  [q, k, v]: readonly [T, T, T],
  { mask, cos, sin }: Around<T>,
  { attend, rotate = applyRotary, ...how }: Attending,
): readonly T[] {
  let [query, key] = [q, k]
  if (rotate) {
    const [turnedQ, turnedK] = rotate(o, q, k, cos, sin)
    query = s.set(q, turnedQ)
    key = s.set(k, turnedK)
  }
  const { batch, tokens, query: width, heads } = m.axes
  const attended = attend(o, { q: query, k: key, v, mask, ...how, causal: true, upcast: true }, s)
  const here = pieceOf(width, heads.size / query.axes[1]!.size)
  return joinHeads(o, s, attended, [batch, tokens, here], m.output)
}

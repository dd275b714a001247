import { type Axes, sizes } from '../../trace/axes.ts'

/** Axes of an element-wise result: aligned at the end, the one of size 1 stretched. */
export function broadcastAxes(a: Axes, b: Axes): Axes {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a]
  const missing = long.length - short.length
  return long.map((axis, i) => {
    const other = i < missing ? undefined : short[i - missing]!
    return other !== undefined && axis.size === 1 ? other : axis
  })
}

/**
 * A walk over a broadcast tensor in row-major order: `visit(at, of, length, step)` is called for each innermost run of `length`
 * elements of `wide` from `at`, whose counterpart in `narrow` starts at `of` and advances by `step` (0 or 1).
 */
export function eachRun(
  wide: Axes,
  narrow: Axes,
  visit: (at: number, of: number, length: number, step: 0 | 1) => void,
): void {
  const rank = wide.length
  const missing = rank - narrow.length
  const strides = new Array<number>(rank).fill(0)
  let dense = 1
  for (let i = narrow.length - 1; i >= 0; i--) {
    strides[i + missing] = narrow[i]!.size === 1 ? 0 : dense
    dense *= narrow[i]!.size
  }
  // Innermost axes that advance together (or not at all) are one run.
  let length = 1
  let outer = rank
  let step: 0 | 1 = 0
  while (outer > 0) {
    const size = wide[outer - 1]!.size
    if (size !== 1) {
      const stride = strides[outer - 1]!
      if (length === 1) step = stride === 0 ? 0 : 1
      if (stride !== step * length) break
      length *= size
    }
    outer--
  }
  const index = new Array<number>(outer).fill(0)
  const total = wide.slice(0, outer).reduce((n, a) => n * a.size, 1)
  let of = 0
  for (let run = 0, at = 0; run < total; run++, at += length) {
    visit(at, of, length, step)
    for (let i = outer - 1; i >= 0; i--) {
      of += strides[i]!
      if (++index[i]! < wide[i]!.size) break
      of -= strides[i]! * wide[i]!.size
      index[i] = 0
    }
  }
}

/** Distance in `narrow` between neighbours along each axis of `wide`: 0 where `narrow` has one element or no such axis. */
function strides(wide: Axes, narrow: Axes): number[] {
  const missing = wide.length - narrow.length
  let dense = 1
  const of = new Array<number>(wide.length).fill(0)
  for (let i = narrow.length - 1; i >= 0; i--) {
    if (narrow[i]!.size !== 1) of[i + missing] = dense
    dense *= narrow[i]!.size
  }
  return of
}

/** The walk of `eachRun` as a device's loop is told it: the rank, the sizes of `wide`, the steps in `narrow`. */
export const stepsOf = (wide: Axes, narrow: Axes): number[] => [wide.length, ...sizes(wide), ...strides(wide, narrow)]

/**
 * The same walk gathered by the elements of `narrow`: the ranks of what stays and of what is summed, how many are summed, then sizes
 * and steps in `wide` of the axes that stay and of those that are summed.
 */
export function foldsOf(wide: Axes, narrow: Axes): number[] {
  const of = strides(wide, narrow)
  const own = strides(wide, wide)
  const axes = wide.map((a, i) => ({ size: a.size, step: own[i]!, stays: of[i] !== 0 }))
  const [kept, summed] = [axes.filter((a) => a.stays), axes.filter((a) => !a.stays)]
  const list = (xs: typeof axes) => [...xs.map((a) => a.size), ...xs.map((a) => a.step)]
  const times = summed.reduce((n, a) => n * a.size, 1)
  return [kept.length, summed.length, times, ...list(kept), ...list(summed)]
}

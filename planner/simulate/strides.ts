import type { Axes } from '../trace/axes.ts'

/** Strides of a dense row-major tensor, in elements. */
export function contiguousStrides(axes: Axes): number[] {
  const strides = new Array<number>(axes.length)
  let step = 1
  for (let i = axes.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= axes[i]!.size
  }
  return strides
}

/** Whether the strides are those of `contiguousStrides`, of axes of one element as well. */
export function isRowMajor(axes: Axes, strides: readonly number[]): boolean {
  let step = 1
  for (let i = axes.length - 1; i >= 0; i--) {
    if (strides[i] !== step) return false
    step *= axes[i]!.size
  }
  return true
}

export function isContiguous(axes: Axes, strides: readonly number[]): boolean {
  let step = 1
  for (let i = axes.length - 1; i >= 0; i--) {
    const { size } = axes[i]!
    if (size !== 1 && strides[i] !== step) return false
    step *= size
  }
  return true
}

/** Dense in some order of its axes (c10/core/TensorImpl.cpp, compute_non_overlapping_and_dense). */
export function isDense(axes: Axes, strides: readonly number[]): boolean {
  if (isContiguous(axes, strides)) return true
  const order = axes.map((_, i) => i).filter((i) => axes[i]!.size !== 1)
  order.sort((x, y) => strides[x]! - strides[y]!)
  let step = 1
  for (const i of order) {
    if (strides[i] !== step) return false
    step *= axes[i]!.size
  }
  return true
}

/**
 * Strides under which a tensor can be seen as `to` without a copy; undefined where it can't
 * (aten/src/ATen/TensorUtils.cpp, computeStride).
 */
export function viewStrides(from: Axes, strides: readonly number[], to: Axes): number[] | undefined {
  const result = new Array<number>(to.length).fill(1)
  let v = to.length - 1
  let base = strides.length === 0 ? 1 : strides[strides.length - 1]!
  let chunk = 1
  let seen = 1
  for (let d = from.length - 1; d >= 0; d--) {
    chunk *= from[d]!.size
    const last = d === 0 || (from[d - 1]!.size !== 1 && strides[d - 1] !== chunk * base)
    if (!last) continue
    while (v >= 0 && (seen < chunk || to[v]!.size === 1)) {
      result[v] = seen * base
      seen *= to[v]!.size
      v--
    }
    if (seen !== chunk) return undefined
    if (d > 0) {
      base = strides[d - 1]!
      chunk = 1
      seen = 1
    }
  }
  return v === -1 ? result : undefined
}

/** What an element-wise operation knows of an operand: its strides over the result's axes, 0 where it is broadcast. */
export type OperandStrides = readonly number[]

/**
 * Strides that an element-wise operation gives its result: dense, in the order of the operands' axes, the first operand
 * deciding (aten/src/ATen/TensorIterator.cpp, reorder_dimensions).
 */
export function iteratorStrides(axes: Axes, operands: readonly OperandStrides[]): number[] {
  const rank = axes.length
  // By far the most common: every operand row-major already.
  const rowMajor = contiguousStrides(axes)
  if (operands.every((s) => s.every((stride, i) => stride === rowMajor[i]))) return rowMajor
  const order = Array.from({ length: rank }, (_, i) => rank - 1 - i)
  const compare = (x: number, y: number): number => {
    for (const s of operands) {
      const [a, b] = [s[x]!, s[y]!]
      if (a === 0 || b === 0) continue
      if (a < b) return -1
      if (a > b) return 1
      if (axes[x]!.size > axes[y]!.size) return 1
    }
    return 0
  }
  for (let i = 1; i < rank; i++) {
    let at = i
    for (let j = i - 1; j >= 0; j--) {
      const c = compare(order[j]!, order[at]!)
      if (c > 0) {
        ;[order[j], order[at]] = [order[at]!, order[j]!]
        at = j
      } else if (c < 0) break
    }
  }
  const strides = new Array<number>(rank)
  let step = 1
  for (const i of order) {
    strides[i] = step
    step *= axes[i]!.size
  }
  return strides
}

/** An operand's strides over the result's axes: aligned at the end, 0 where it has one element or no axis. */
export function broadcastStrides(result: Axes, axes: Axes, strides: readonly number[]): number[] {
  const missing = result.length - axes.length
  return result.map((a, i) => {
    const at = i - missing
    if (at < 0) return 0
    return axes[at]!.size === 1 && a.size !== 1 ? 0 : strides[at]!
  })
}

/** Whether `broadcastAxes(a, b)` are those of `a`, and nothing of `b` is stretched. */
export function isAligned(a: Axes, b: Axes): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && (a[i]!.size === 1 || a[i]!.size !== b[i]!.size)) return false
  return true
}

/** Axes of a broadcast of `a` and `b`, the named one kept where the other has size 1. */
export function broadcastAxes(a: Axes, b: Axes): Axes {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a]
  const missing = long.length - short.length
  return long.map((axis, i) => {
    const other = i < missing ? undefined : short[i - missing]!
    return other !== undefined && axis.size === 1 && (other.size !== 1 || axis.name === '1') ? other : axis
  })
}

import type { Parameter } from '../../ops/ops.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import { axis, numel } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { FlatGroup } from './groups.ts'

/** How many elements of neighbouring gradients go to one rank. */
interface Slice {
  readonly rank: number
  readonly elements: number
}

/** Gradients that lie in a row, cut where the owner changes (stage_1_and_2.py, average_tensor). */
export function slicesOf(parameters: readonly Parameter[], groupOf: (p: Parameter) => FlatGroup): Slice[] {
  const slices: { rank: number; elements: number }[] = []
  for (const parameter of parameters) {
    for (const run of groupOf(parameter).runs) {
      if (run.parameter !== parameter) continue
      const last = slices.at(-1)
      if (last?.rank === run.rank) last.elements += run.elements
      else slices.push({ rank: run.rank, elements: run.elements })
    }
  }
  return slices
}

/**
 * Reduces a bucket of contiguous gradients: with `reduce_scatter` slices are copied side by side, reduced, and copied back, as many at a
 * time as exceed a bucket; else the bucket itself is reduced. A single tensor is flattened without a copy.
 */
export function reduceContiguous(simulator: Simulator, slices: readonly Slice[], dtype: DType, zero: Zero): void {
  if (!zero.reduceScatter) return
  const ranks = new Set(slices.map((s) => s.rank))
  const buckets = zero.multiRankReduce ? [slices] : [...ranks].map((rank) => slices.filter((s) => s.rank === rank))
  for (const bucket of buckets)
    reduceInTurns(
      simulator,
      bucket.map((s) => s.elements),
      dtype,
      zero.reduceBucket,
    )
}

/** The same without contiguous gradients: whole gradients, up to all that the bucket counted. */
export function reduceScattered(simulator: Simulator, parameters: readonly Parameter[], dtype: DType): void {
  const elements = parameters.map((p) => numel(p.axes))
  reduceInTurns(
    simulator,
    elements,
    dtype,
    elements.reduce((n, e) => n + e, 0),
  )
}

/** `allreduce_no_retain`, `allreduce_and_scatter`: tensors until they are more than `most` elements. */
function reduceInTurns(simulator: Simulator, tensors: readonly number[], dtype: DType, most: number): void {
  let turn: number[] = []
  let sum = 0
  const flush = (): void => {
    if (turn.length > 1) {
      simulator.position.op = 'all_reduce'
      simulator.release(simulator.alloc([axis('bucket', sum)], dtype))
    }
    turn = []
    sum = 0
  }
  for (const elements of tensors) {
    turn.push(elements)
    sum += elements
    if (sum > most) flush()
  }
  flush()
}

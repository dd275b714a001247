import type { Packed } from '../ops/attributes.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { GroupedAttention } from './grouped-attention.ts'
import type { Linear } from './linear.ts'

/**
 * The linears of an attention with its adapters in foak's kernels where the plugin patches them: over a 4-bit base, q, k and v if
 * all have an adapter, and the output's (fms_acceleration_foak/models/utils.py, trigger_fused_ops and build_lora_fused_ops).
 */
export function withFusedAdapters(m: GroupedAttention, train: TrainSpec): GroupedAttention {
  if (!train.fusedKernels || !train.quantize) return m
  const fused = (linear: Linear): Linear => ({ ...linear, fused: linear.adapter !== null })
  const { q, k, v, output } = m
  const all = [q, k, v].every((linear) => linear.adapter)
  return { ...m, ...(all ? { q: fused(q), k: fused(k), v: fused(v) } : {}), output: fused(output) }
}

/** Linears over one input in one node: x `[b, t, in]` → `[b, t, out]` each. Over several, x is overwritten by its gradient. */
export function fusedLora<T extends Tensor>(o: Shorthand<T>, linears: readonly Linear[], x: T): readonly T[] {
  const tensors = linears.flatMap(({ weight, adapter }) => [
    o.parameter(weight),
    o.parameter(adapter!.a),
    o.parameter(adapter!.b),
  ])
  const projections = linears.map(packedOf)
  const dropout = linears[0]!.adapter!.dropout
  return o.runAll('fused_lora', [x, ...tensors], { projections, dropout, overwrites: linears.length > 1 })
}

function packedOf({ path, quantized }: Linear): Packed {
  if (quantized?.bits !== 4) throw new Error(`${path} is not packed in 4 bits`)
  return quantized
}

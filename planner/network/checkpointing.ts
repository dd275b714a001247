import type { OpName } from '../ops/attributes.ts'
import type { Checkpointing } from '../ops/ops.ts'
import type { CheckpointKeep, TrainSpec } from '../training/spec.ts'

const NOTHING: ReadonlySet<OpName> = new Set()

/**
 * Operations whose results a selective checkpoint keeps: attention's kernels, or with them every product of matrices. `aten` has them as
 * `_scaled_dot_product_*_attention`, `mm`, `addmm` and `bmm` (torch/_functorch/partitioners.py, compute_intensive_ops). bitsandbytes'
 * products are operations of its own, which no such list names.
 */
export const KEPT: Readonly<Record<CheckpointKeep, ReadonlySet<OpName>>> = {
  attention: new Set<OpName>(['sdpa', 'flash_attn']),
  products: new Set<OpName>(['sdpa', 'flash_attn', 'linear', 'conv1d', 'bmm']),
}

/**
 * How the `n`-th layer is checkpointed, counted from 0 over all lists of layers: of every `checkpointEvery` the first is
 * (transformers/modeling_utils.py, _set_gradient_checkpointing).
 */
export function checkpointingOf(
  { checkpointing, checkpointEvery = 1, checkpointKeep }: TrainSpec,
  n: number,
): Checkpointing {
  const mode = n % checkpointEvery === 0 ? checkpointing : 'none'
  return { mode, keeps: checkpointKeep ? KEPT[checkpointKeep] : NOTHING }
}

import { numel } from './axes.ts'
import type { Alloc } from './event.ts'

/** In whose name a fused AdamW makes its step counts. */
export const FUSED_STEP = 'fused step'
/** The operation whose statistics, a number a row, CUDA keeps in float32. */
export const WITH_STATISTICS = 'layer_norm'

const FLOAT = 4

/**
 * Bytes that CUDA asks its allocator for where a trace has this allocation; 0 for what lies elsewhere. Traces are held against steps that
 * were recorded on a CPU, from which CUDA differs in
 *
 * - layer_norm's mean and rstd, which it keeps in float32 (aten/src/ATen/native/cuda/layer_norm_kernel.cu, layer_norm_cuda: `acc_type`),
 * - a fused AdamW's step counts, which lie on the device (torch/optim/adam.py, _init_group).
 */
export function bytesOnCuda(e: Alloc): number {
  if (e.device === 'host') return e.op === FUSED_STEP ? e.bytes : 0
  if (e.device !== 'device') return 0
  return e.op === WITH_STATISTICS && e.axes.at(-1)?.size === 1 ? FLOAT * numel(e.axes) : e.bytes
}

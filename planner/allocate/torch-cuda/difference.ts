import { numel } from '../../trace/axes.ts'
import type { Alloc } from '../../trace/event.ts'

const FLOAT = 4

/**
 * Bytes that CUDA asks its allocator for where a trace has this allocation; 0 for what lies elsewhere. Traces are held against steps that
 * were recorded on a CPU, from which CUDA differs in
 *
 * - layer_norm's mean and rstd, which it keeps in float32 (aten/src/ATen/native/cuda/layer_norm_kernel.cu, layer_norm_cuda: `acc_type`),
 * - a fused AdamW's step counts, which lie on the device (torch/optim/adam.py, _init_group).
 */
export function bytesOnCuda(e: Alloc): number {
  if (e.device === 'host') return e.op === 'fused step' ? e.bytes : 0
  if (e.device !== 'device') return 0
  return e.op === 'layer_norm' && e.axes.at(-1)?.size === 1 ? FLOAT * numel(e.axes) : e.bytes
}

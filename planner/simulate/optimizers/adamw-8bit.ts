import type { Leaf } from '../../autograd/variable.ts'
import { type Axes, axis, merge, numel } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Device } from '../../trace/event.ts'
import type { Simulator } from '../simulator.ts'
import type { View } from '../storage.ts'
import type { SimOptimizer } from './optimizer.ts'
import { locate } from './state.ts'

/** Elements from which on a state has 8 bits (`min_8bit_size`), and from which on a paged one is in managed memory. */
const MIN_8BIT = 4096
const MIN_PAGED = 1e5
/** Elements that share a scale. */
const BLOCK = 256

/**
 * bitsandbytes' AdamW as the Trainer sets it up (bitsandbytes/optim/optimizer.py, Optimizer2State.init_state; transformers/trainer.py,
 * create_optimizer): moments in 8 bits with a float32 scale a block, small tensors and embeddings in float32, two tables
 * for all that go to the device with the first 8-bit state. The kernels make no tensors (backends/cuda/ops.py,
 * optimizer_update_8bit_blockwise). A paged one's large moments are in CUDA's managed memory, outside the allocator.
 */
export function adamW8Bit(simulator: Simulator, paged: boolean): SimOptimizer {
  const made = new Set<Leaf<View>>()
  let tables = false
  const keep = (axes: Axes, dtype: DType, device: Device = 'device') =>
    simulator.keep(simulator.alloc(axes, dtype, undefined, 'optimizer state', device))
  return {
    step(leaves) {
      for (const leaf of leaves) {
        if (leaf.grad === null || made.has(leaf)) continue
        made.add(leaf)
        locate(simulator, leaf, 'state')
        const { axes } = leaf.variable
        const elements = numel(axes)
        const device = paged && elements >= MIN_PAGED ? 'managed' : 'device'
        if (elements < MIN_8BIT || isEmbedding(leaf.parameter?.path ?? '')) {
          for (let i = 0; i < 2; i++) keep(axes, 'float32', device)
          continue
        }
        if (!tables) for (let i = 0; i < 2; i++) keep([axis('256', 256)], 'float32')
        tables = true
        for (let i = 0; i < 2; i++) keep(axes, 'uint8', device)
        const blocks = axis(`${merge(axes).name}/${BLOCK}`, Math.ceil(elements / BLOCK))
        for (let i = 0; i < 2; i++) keep([blocks], 'float32')
      }
    },
  }
}

/** The weights of nn.Embedding by the names that the modeling files give them; their states keep 32 bits. */
const EMBEDDING =
  /(^|\.)(embed_(tokens|positions|in)|wte|wpe|shared|(word|position|token_type|tok)_embeddings|relative_attention_bias)(\.\w+)*\.weight$/
export const isEmbedding = (path: string): boolean => EMBEDDING.test(path)

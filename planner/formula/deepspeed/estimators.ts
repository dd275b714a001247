// What DeepSpeed says of a model before it trains, "model states" alone: no activations, no buffers of what ranks exchange, no
// allocator, and no idea of what is frozen. Sums and products stand in the order of its files (deepspeed 0.19.8), so that `int()` cuts
// the same fractions.

/** The devices of a training, and DeepSpeed's factor for what the host needs besides. */
export interface Cluster {
  readonly gpusPerNode: number
  readonly nodes: number
  /** `additional_buffer_factor` */
  readonly buffers?: number
}

/** Bytes of a node's host and of one device. */
export interface ModelStates {
  readonly host: number
  readonly device: number
}

/** `estimate_zero2_model_states_mem_needs` (runtime/zero/stage_1_and_2.py): bytes for so many parameters in 16 bits under AdamW. */
export function stage2States(parameters: number, cluster: Cluster, offloadOptimizer: boolean): ModelStates {
  const { gpusPerNode, nodes, buffers = 1.5 } = cluster
  const gpus = nodes * gpusPerNode
  const [host, device] = offloadOptimizer
    ? [parameters * Math.max(4 * gpus, 16) * buffers, 2 * parameters]
    : [parameters * 4 * gpusPerNode * buffers, 2 * parameters + Math.trunc((18 * parameters) / gpus)]
  return { host: Math.trunc(host), device }
}

/** What stage 3 moves to the host, and whether the model is built in shards (`deepspeed.zero.Init`). */
export interface Stage3Options {
  readonly offloadOptimizer: boolean
  /** Means something with the optimizer's offload alone. */
  readonly offloadParameters: boolean
  readonly zeroInit: boolean
}

/**
 * `estimate_zero3_model_states_mem_needs` (runtime/zero/stage3.py). `largest` is the most parameters that one module holds itself, which
 * counts in 16 bits twice: gathered, and its gradient.
 */
export function stage3States(
  parameters: number,
  largest: number,
  cluster: Cluster,
  { offloadOptimizer, offloadParameters, zeroInit }: Stage3Options,
): ModelStates {
  const { gpusPerNode, nodes, buffers = 1.5 } = cluster
  const gpus = nodes * gpusPerNode
  const share = 1 / nodes
  const layer = 4 * largest
  if (!offloadOptimizer) {
    const host = (zeroInit ? largest : parameters) * 4 * gpusPerNode * buffers
    return { host: Math.trunc(host), device: layer + Math.trunc((18 * parameters) / gpus) }
  }
  const each = offloadParameters ? 18 : 16
  const host = zeroInit
    ? parameters * each * share * buffers
    : parameters * Math.max(4 * gpusPerNode, each * share) * buffers
  return { host: Math.trunc(host), device: offloadParameters ? layer : layer + Math.trunc((2 * parameters) / gpus) }
}

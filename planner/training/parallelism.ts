import type { DType } from '../trace/dtype.ts'

/** A training over several devices, as one of its ranks sees it. Every rank runs the step on a batch of its own. */
export interface Parallelism {
  /** Devices in all. */
  readonly gpus: number
  /** Whose figures they are: 0 … gpus − 1. */
  readonly rank: number
  /** What ranks that run the same modules do with parameters, gradients and state. */
  readonly data: DataParallel
}

export type DataParallel = Replicated | FullySharded

/** Whole copies, gradients averaged in buckets (torch.nn.parallel.DistributedDataParallel). */
export interface Replicated {
  readonly kind: 'ddp'
  /** `.grad` is a view of its bucket (`gradient_as_bucket_view`). */
  readonly bucketViews: boolean
  /** Each backward looks for parameters without a gradient (`find_unused_parameters`). */
  readonly findUnused: boolean
}

/** Parameters, gradients and state in shards of their first axis (torch.distributed.fsdp.fully_shard). */
export interface FullySharded {
  readonly kind: 'fsdp'
  /** Whole parameters go after a module's forward and are gathered again in the backward; else they stay until then. */
  readonly reshard: boolean
  /** Groups of ranks that each hold everything between them: 1, or more in a hybrid. */
  readonly replicas: number
  /** Which modules are groups of their own: each layer with embedding and head apart, or only those two. */
  readonly wrap: 'layers' | 'none'
  /** Parameters, gradients and state lie on the host. */
  readonly offload: boolean
  /** Type in which modules compute and gradients are reduced (MixedPrecisionPolicy); null where it is the shards' own. */
  readonly precision: Extract<DType, 'bfloat16' | 'float16'> | null
}

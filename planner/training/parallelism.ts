import type { DType } from '../trace/dtype.ts'
import type { TrainSpec } from './spec.ts'

/** A training over several devices, as one of its ranks sees it. Every rank runs the step on a batch of its own. */
export interface Parallelism {
  /** Devices in all. */
  readonly gpus: number
  /** Whose figures they are: 0 … gpus − 1. */
  readonly rank: number
  /** Ranks that share every layer of one copy of the model and see the same batch; absent for one. */
  readonly tensor?: number
  /** Absent where each rank runs all layers. */
  readonly pipeline?: Pipeline
  /** What ranks that run the same modules do with parameters, gradients and state. */
  readonly data: DataParallel
}

/** A rank's stage: some of the layers, the first with the embedding, the last with norm, head and loss. Accumulation counts its micro-batches. */
export interface Pipeline {
  readonly stages: number
  /** 0 … stages − 1 */
  readonly stage: number
  /** Number of its first layer, once the model is this stage's (planner/shard/pipeline/stage.ts). */
  readonly from?: number
}

/** The same training as another of its ranks sees it; ranks that share a stage stand side by side. */
export function seenBy(rank: number, parallelism: Parallelism): Parallelism {
  const { pipeline, tensor = 1 } = parallelism
  if (!pipeline) return { ...parallelism, rank }
  const { stages } = pipeline
  return { ...parallelism, rank, pipeline: { stages, stage: Math.floor(rank / tensor) } }
}

/** The setting of whom has all of every layer: of a device that shares neither layers nor stages. */
export function undivided(train: TrainSpec): TrainSpec {
  if (train.parallelism?.data.kind !== 'alone') return train
  const { parallelism: _, ...whole } = train
  return whole
}

export type DataParallel = Alone | Replicated | FullySharded | Zero

/** Nobody else runs the same modules: all ranks share layers, or stand in one pipeline. */
export interface Alone {
  readonly kind: 'alone'
}

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

/** Where a part of the training lies when no rank needs it. */
export type Place = 'device' | 'host'

/**
 * DeepSpeed's ZeRO as its engine runs it through accelerate, with the keys of its file that change what is allocated. Sizes are
 * numbers of elements.
 */
export interface Zero {
  readonly kind: 'zero'
  readonly stage: 1 | 2 | 3
  /** The model's width, of which the sizes are made that the file leaves to the Trainer (`auto`). */
  readonly hidden: number
  /** What `fp16` or `bf16` of the file makes of every parameter, adapters too; float32 without either. */
  readonly dtype: 'float32' | 'bfloat16' | 'float16'
  /** AdamW of DeepSpeed, which the file's `optimizer` asks for, or the Trainer's. On the host it is DeepSpeed's in any case. */
  readonly optimizer: 'deepspeed' | 'trainer'
  /** `offload_optimizer.device`: master weights, gradients and moments. */
  readonly optimizerPlace: Place
  /** `offload_param.device`: what stage 3 keeps of the parameters. */
  readonly parameterPlace: Place
  /** `gradient_clipping` is above zero. */
  readonly clips: boolean
  readonly contiguousGradients: boolean
  readonly reduceScatter: boolean
  /** `use_multi_rank_bucket_allreduce` */
  readonly multiRankReduce: boolean
  readonly overlapComm: boolean
  readonly roundRobin: boolean
  readonly reduceBucket: number
  readonly stage3: ZeroStage3
}

/** `stage3_…` of DeepSpeed's file. */
export interface ZeroStage3 {
  readonly prefetchBucket: number
  /** Parameters of so many elements or fewer stay whole between steps. */
  readonly persistence: number
  /** Elements that stay whole in all. */
  readonly modelPersistence: number
  readonly maxLive: number
  readonly maxReuse: number
  readonly subGroup: number
  /** `memory_efficient_linear`: `F.linear` keeps its input whatever trains, and the weight by reference. */
  readonly efficientLinear: boolean
}

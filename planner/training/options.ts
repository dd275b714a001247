import type { Task } from '../../models/spec.ts'

/** Every value that the command line promises. Those that are not modelled yet are refused by name in `modelled.ts`. */
export const METHOD_NAMES = ['full', 'lora', 'lora-fa', 'qlora', 'qlora-fa', 'dora'] as const
export const WEIGHT_DTYPES = ['float32', 'bfloat16', 'float16'] as const
export const AUTOCASTS = ['none', 'bfloat16', 'float16'] as const
export const ATTENTION_NAMES = ['eager', 'sdpa', 'flash_attention_2'] as const
export const CHECKPOINTINGS = ['none', 'reentrant', 'non-reentrant'] as const
export const CHECKPOINT_KEEPINGS = ['none', 'attention', 'products'] as const
export const OPTIMIZER_NAMES = ['adamw', 'adamw-8bit', 'paged-adamw-8bit', 'adafactor', 'sgd', 'lorafa'] as const
export const OPTIMIZER_IMPL_NAMES = ['foreach', 'fused', 'for-loop'] as const
export const QUANTIZATIONS = ['none', 'nf4', 'nf4-double', 'int8'] as const
export const FUSED_LOSSES = ['none', 'liger'] as const
export const FUSED_KERNELS = ['none', 'foak'] as const
export const ADAPTER_DTYPES = ['float32', 'base'] as const
export const FSDP_WRAPS = ['layers', 'none'] as const
export const ZERO_OFFLOADS = ['optimizer', 'parameters'] as const

/** A training setting as a person gives it: what is left out takes the stack's default. Named as the flags and the JSON are. */
export interface TrainingOptions {
  readonly method?: (typeof METHOD_NAMES)[number] | undefined
  readonly rank?: number | undefined
  readonly lora_alpha?: number | undefined
  readonly lora_dropout?: number | undefined
  readonly target_modules?: readonly string[] | undefined
  readonly modules_to_save?: readonly string[] | undefined
  readonly adapter_dtype?: (typeof ADAPTER_DTYPES)[number] | undefined
  readonly use_dora?: boolean | undefined
  readonly use_rslora?: boolean | undefined
  readonly dtype?: (typeof WEIGHT_DTYPES)[number] | undefined
  readonly autocast?: (typeof AUTOCASTS)[number] | undefined
  readonly attention?: (typeof ATTENTION_NAMES)[number] | undefined
  readonly gradient_checkpointing?: (typeof CHECKPOINTINGS)[number] | undefined
  readonly checkpoint_every?: number | undefined
  readonly checkpoint_keep?: (typeof CHECKPOINT_KEEPINGS)[number] | undefined
  readonly batch_size?: number | undefined
  readonly seq_len?: number | undefined
  readonly target_seq_len?: number | undefined
  readonly padding?: boolean | undefined
  readonly packing?: boolean | undefined
  readonly optimizer?: (typeof OPTIMIZER_NAMES)[number] | undefined
  readonly optimizer_impl?: (typeof OPTIMIZER_IMPL_NAMES)[number] | undefined
  readonly quantize?: (typeof QUANTIZATIONS)[number] | undefined
  readonly prepare_kbit?: boolean | undefined
  readonly trl_casts?: boolean | undefined
  readonly gradient_accumulation?: number | undefined
  readonly fused_loss?: (typeof FUSED_LOSSES)[number] | undefined
  readonly fused_kernels?: (typeof FUSED_KERNELS)[number] | undefined
  readonly reference_model?: boolean | undefined
  readonly gpus?: number | undefined
  /** ZeRO's stage. */
  readonly zero?: number | undefined
  /** What ZeRO keeps on the host. */
  readonly zero_offload?: readonly (typeof ZERO_OFFLOADS)[number][] | undefined
  /** Keys of DeepSpeed's file with their values, `reduce_bucket_size=500000000`, where they are not the Trainer's `auto`. */
  readonly zero_options?: readonly string[] | undefined
  /** Words apart by spaces, as transformers has them: `full_shard auto_wrap`. */
  readonly fsdp?: string | undefined
  readonly fsdp_wrap?: (typeof FSDP_WRAPS)[number] | undefined
  readonly gpus_per_node?: number | undefined
  /** Ranks that share every layer. */
  readonly tp?: number | undefined
  /** Stages of a pipeline. */
  readonly pp?: number | undefined
  readonly ddp_bucket_views?: boolean | undefined
  /** The model was read for this task and with so many layers; here they are only recorded. */
  readonly task?: Task | undefined
  readonly layers?: number | undefined
}

export type OptionKey = keyof TrainingOptions

/** How the option is written on a command line: errors name it so. */
export const flagOf = (key: string): string => `--${key.replaceAll('_', '-')}`

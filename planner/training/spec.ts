import type { Task } from '../../models/spec.ts'
import type { CheckpointMode } from '../ops/ops.ts'
import type { DType } from '../trace/dtype.ts'
import type { Parallelism } from './parallelism.ts'

export const METHODS = ['full', 'lora', 'lora-fa'] as const
export type Method = (typeof METHODS)[number]

export const ATTENTIONS = ['eager', 'sdpa', 'flash_attention_2'] as const
export type AttentionKernel = (typeof ATTENTIONS)[number]

export const OPTIMIZERS = ['adamw', 'adamw-8bit', 'paged-adamw-8bit', 'adafactor', 'sgd', 'lorafa'] as const
export type OptimizerName = (typeof OPTIMIZERS)[number]

export const OPTIMIZER_IMPLS = ['foreach', 'fused', 'for-loop'] as const
export type OptimizerImpl = (typeof OPTIMIZER_IMPLS)[number]

export const CHECKPOINT_KEEPS = ['attention', 'products'] as const
export type CheckpointKeep = (typeof CHECKPOINT_KEEPS)[number]

/** A low-rank adapter as PEFT's LoraConfig describes it. */
export interface AdapterSpec {
  readonly rank: number
  readonly alpha: number
  readonly dropout: number
  /** Module names or suffixes of paths, or `all-linear`. */
  readonly targets: readonly string[]
  /** PEFT keeps adapters in float32 unless told otherwise (`autocast_adapter_dtype`). */
  readonly dtype: 'float32' | 'base'
  /** alpha / √rank in place of alpha / rank. */
  readonly rslora: boolean
  /** Weight-decomposed: a trained magnitude a row (arXiv 2402.09353). */
  readonly dora?: boolean
  /** Declared and switched off: the linears run as if it were not there (PEFT's `disable_adapter()`). */
  readonly disabled?: boolean
  /** Modules that train whole, as a copy beside the frozen original (`modules_to_save`). */
  readonly modulesToSave?: readonly string[]
}

/** What one training step is. Sizes in elements. */
export interface TrainSpec {
  readonly method: Method
  readonly batch: number
  /** Tokens a sequence; the encoder's in an encoder-decoder. */
  readonly tokens: number
  /** The decoder's tokens. */
  readonly targetTokens: number
  /** Type of the weights. */
  readonly dtype: Extract<DType, 'float32' | 'bfloat16' | 'float16'>
  readonly autocast: 'none' | 'bfloat16' | 'float16'
  readonly attention: AttentionKernel
  /** A padded batch: an attention mask exists. */
  readonly padding: boolean
  /** Linear and cross entropy of the head in one, without whole logits. */
  readonly fusedLoss?: 'liger'
  /** Norm, rotary embedding, loss and, over a 4-bit base, adapters as kernels of fms-acceleration's plugin. */
  readonly fusedKernels?: 'foak'
  readonly optimizer: OptimizerName
  readonly optimizerImpl: OptimizerImpl
  /** bitsandbytes' 4-bit NormalFloat or LLM.int8() for every linear but the head; `prepare` widens the other weights to float32 (PEFT's prepare_model_for_kbit_training), `trlCasts` takes embeddings and head back (TRL's peft_module_casting_to_bf16). */
  readonly quantize?: {
    readonly kind: 'nf4' | 'nf4-double' | 'int8'
    readonly prepare: boolean
    readonly trlCasts?: boolean
  }
  /** Each layer's saved tensors are computed again in the backward. With an adapter the inputs then require a gradient. */
  readonly checkpointing: CheckpointMode
  /** Checkpoints one layer of so many, the first; where left out each. */
  readonly checkpointEvery?: number
  /** What a checkpoint keeps beside the layer's inputs; where left out nothing. */
  readonly checkpointKeep?: CheckpointKeep
  /** Micro-steps a step, each a forward and a backward on a batch of its own (`gradient_accumulation_steps`). */
  readonly accumulation: number
  readonly task: Task
  /**
   * A pass with the adapter disabled before each forward, for its loss. PEFT's `disable_adapter()` lets the whole adapter require a
   * gradient again when it ends, LoRA-FA's A with it (peft/tuners/tuners_utils.py, enable_adapters and set_adapter).
   */
  readonly reference: boolean
  /** Over several devices: how, and whose figures; absent for one device. */
  readonly parallelism?: Parallelism
  /** Null for full fine-tuning. */
  readonly adapter: AdapterSpec | null
}

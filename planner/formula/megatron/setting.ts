/** A decoder as Megatron-LM's arguments describe it (megatron/training/arguments.py). Sizes in elements. */
export interface MegatronModel {
  readonly layers: number
  readonly hidden: number
  /** `ffn_hidden_size` */
  readonly feedForward: number
  readonly heads: number
  /** `num_query_groups`: heads of keys and values; as many as heads without `group_query_attention`. */
  readonly queryGroups: number
  /** `kv_channels`: columns of a head. */
  readonly headWidth: number
  /** `padded_vocab_size`, see `paddedVocab`. */
  readonly vocab: number
  /** `swiglu` */
  readonly gated: boolean
  readonly norm: 'RMSNorm' | 'LayerNorm'
  /** `untie_embeddings_and_output_weights` */
  readonly untied: boolean
}

/** How Megatron-LM divides the training among ranks, and what a micro-batch is. */
export interface MegatronSetting {
  /** `seq_length` */
  readonly tokens: number
  /** `micro_batch_size` */
  readonly microBatch: number
  /** Micro-batches a step on one replica; null where that is not said, and counts as enough. */
  readonly microBatches: number | null
  /** `tensor_model_parallel_size`, t */
  readonly tensor: number
  /** `pipeline_model_parallel_size`, p */
  readonly pipeline: number
  /** `data_parallel_size` */
  readonly data: number
  /** `virtual_pipeline_model_parallel_size`: chunks of layers a stage, m, under the interleaved schedule; null for plain 1F1B. */
  readonly chunks: number | null
  /** `use_distributed_optimizer`: float32 weights and moments divided among the data-parallel ranks. */
  readonly distributedOptimizer: boolean
}

/** Rows of the embedding (megatron/core/tokenizers/utils/build_tokenizer.py, vocab_size_with_padding). */
export const paddedVocab = (vocab: number, tensor: number, divisibleBy = 128): number =>
  Math.ceil(vocab / (divisibleBy * tensor)) * divisibleBy * tensor

/** Layers' worth of activations that the interleaved schedule adds: 1 + (p−1)/(p·m) (arXiv 2205.05198, section 4.2.3). */
export const interleavedFactor = (pipeline: number, chunks: number): number => 1 + (pipeline - 1) / (pipeline * chunks)

/** Micro-batches whose activations stage `stage` of 1F1B holds at once: a later stage waits for fewer (arXiv 2104.04473, section 2.2). */
export const inFlight = (pipeline: number, microBatches: number, stage = 0): number =>
  Math.min(pipeline - stage, microBatches)

import { z } from 'zod'
import { CATEGORIES, PHASES } from '../trace/event.ts'

export const Bytes = z.number().int()
export const PhaseName = z.enum(PHASES)
export const CategoryName = z.enum(CATEGORIES)
export const ByCategory = z.partialRecord(CategoryName, Bytes)

/** The setting after every default has been filled in: what was predicted, or what was run. */
export const TrainingSetting = z.strictObject({
  method: z.string(),
  batch_size: z.number().int(),
  seq_len: z.number().int(),
  target_seq_len: z.number().int().optional(),
  dtype: z.string(),
  autocast: z.string().optional(),
  attention: z.string(),
  optimizer: z.string(),
  optimizer_impl: z.string().optional(),
  gradient_checkpointing: z.string(),
  checkpoint_every: z.number().int().optional(),
  checkpoint_keep: z.string().optional(),
  gradient_accumulation: z.number().int(),
  padding: z.boolean(),
  reference_model: z.boolean().optional(),
  fused_loss: z.string().optional(),
  fused_kernels: z.string().optional(),
  task: z.string(),
  layers: z.number().int().optional(),
  rank: z.number().int().optional(),
  lora_alpha: z.number().optional(),
  lora_dropout: z.number().optional(),
  target_modules: z.array(z.string()).optional(),
  modules_to_save: z.array(z.string()).optional(),
  adapter_dtype: z.string().optional(),
  use_rslora: z.boolean().optional(),
  use_dora: z.boolean().optional(),
  quantize: z.string().optional(),
  prepare_kbit: z.boolean().optional(),
  trl_casts: z.boolean().optional(),
  /** Devices, where there are several, and how they share the training. */
  gpus: z.number().int().optional(),
  fsdp: z.string().optional(),
  /** Stage of DeepSpeed's ZeRO. */
  zero: z.number().int().optional(),
  /** What it keeps on the host: optimizer, parameters. */
  zero_offload: z.array(z.string()).optional(),
  /** Keys of its file that are not the Trainer's `auto`: `reduce_bucket_size=500000000`. */
  zero_options: z.array(z.string()).optional(),
  fsdp_wrap: z.string().optional(),
  gpus_per_node: z.number().int().optional(),
  ddp_bucket_views: z.boolean().optional(),
  /** Ranks that share every layer. */
  tp: z.number().int().optional(),
  /** Stages of a pipeline. */
  pp: z.number().int().optional(),
  seed: z.number().int().optional(),
})
export type TrainingSetting = z.infer<typeof TrainingSetting>

/** What the reader should know was assumed: a default that the stack or the tool chose. */
export const Assumption = z.strictObject({ what: z.string(), value: z.string(), from: z.string() })

/** A file of `--config`: what it was taken for, and which of its keys count. */
export const ConfigFile = z.strictObject({
  file: z.string(),
  format: z.string(),
  /** Keys that decide the setting, dotted inside objects. */
  read: z.array(z.string()),
  ignored: z.array(z.strictObject({ key: z.string(), reason: z.string() })),
  /** Keys that the command line contradicted. */
  overridden: z.array(z.string()),
})

export const Input = z.strictObject({
  /** The model as a person names it, and its dimensions by symbol. */
  model: z.strictObject({
    name: z.string(),
    architecture: z.string(),
    family: z.string(),
    source: z.string(),
    dimensions: z.record(z.string(), z.number()),
    /** What a checkpoint holds, read off its header; where there is one. */
    weights: z
      .strictObject({
        tensors: z.number().int(),
        parameters: z.number().int(),
        bytes: Bytes,
        /** Parameters by the type they are stored in. */
        dtypes: z.record(z.string(), z.number().int()),
      })
      .optional(),
  }),
  training: TrainingSetting,
  stack: z.string(),
  assumptions: z.array(Assumption),
  /** Where files were given. */
  config: z.array(ConfigFile).optional(),
})
export type Input = z.infer<typeof Input>

export const Tool = z.strictObject({ name: z.literal('tidemark'), version: z.string() })

/** How a figure came about; never mixed in one column. */
export const Kind = z.enum(['simulated', 'measured', 'formula'])
export type Kind = z.infer<typeof Kind>

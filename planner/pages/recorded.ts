import { type ModelSpec, specFromConfig } from '../../models/index.ts'
import { resolveStack, type Stack } from '../predict/index.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { CheckpointKeep, OptimizerName, TrainSpec } from '../training/spec.ts'

interface PhaseRow {
  readonly [figure: string]: number
}
/** A step of transformers and PEFT as it was recorded. */
export interface Recorded {
  readonly case: {
    readonly id: string
    readonly model_name?: string
    readonly model: { readonly arch: string; readonly [key: string]: unknown }
    readonly method: 'full' | 'lora' | 'lora-fa'
    readonly dtype: 'float32' | 'bfloat16' | 'float16'
    readonly attention: 'eager' | 'sdpa' | 'flash_attention_2'
    readonly batch: number
    readonly accumulation?: number
    readonly reference?: boolean
    readonly seq: number
    readonly target_seq?: number
    readonly autocast?: boolean
    readonly mask?: boolean
    readonly fused_loss?: 'liger'
    readonly fused_kernels?: 'foak'
    readonly checkpointing?: 'none' | 'reentrant' | 'nonreentrant'
    readonly checkpoint_every?: number
    readonly checkpoint_keep?: CheckpointKeep
    readonly optimizer?: OptimizerName
    readonly optimizer_impl?: 'foreach' | 'fused' | 'loop'
    readonly quantize?: {
      readonly bits: number
      readonly double?: boolean
      readonly prepare?: boolean
      readonly trl?: boolean
    }
    /** One rank of several (fixtures/record/ranks.py). */
    readonly parallel?: {
      readonly kind: 'fsdp' | 'ddp'
      readonly ranks: number
      readonly rank?: number
      readonly reshard?: boolean
      readonly replicas?: number
      readonly wrap?: 'layers' | 'none'
      readonly mixed?: 'bf16'
      readonly bucket_views?: boolean
      readonly offload?: boolean
    }
    /** Ranks that share layers (fixtures/record/tensor_parallel.py), stages of a pipeline (fixtures/record/pipeline.py). */
    readonly tp?: number
    readonly pp?: number
    readonly adapter?: {
      readonly r: number
      readonly alpha?: number
      readonly targets: readonly string[]
      readonly dropout?: number
      readonly upcast?: boolean
      readonly dora?: boolean
      readonly rslora?: boolean
      readonly modules_to_save?: readonly string[]
    }
  }
  readonly base: number
  readonly peak: number
  readonly saved_bytes: number
  readonly saved: readonly {
    readonly where: string
    readonly bytes: number
    readonly count: number
    readonly dtype: string
  }[]
  readonly first_step: PhaseRow
  readonly step: PhaseRow
  readonly stack: { readonly torch: string; readonly transformers: string; readonly peft: string }
}

/** The recorded case as the flags of the command line. */
function optionsOf(c: Recorded['case']): TrainingOptions {
  const { adapter: a, quantize: q } = c
  const checkpointing = { none: 'none', reentrant: 'reentrant', nonreentrant: 'non-reentrant' } as const
  const impl = { foreach: 'foreach', fused: 'fused', loop: 'for-loop' } as const
  const optimizer = c.optimizer ?? 'adamw'
  return {
    method: c.method,
    dtype: c.dtype,
    attention: c.attention,
    batch_size: c.batch,
    seq_len: c.seq,
    autocast: c.autocast || c.parallel?.mixed ? 'bfloat16' : 'none',
    padding: c.mask === true,
    fused_loss: c.fused_loss ?? 'none',
    fused_kernels: c.fused_kernels ?? 'none',
    gradient_checkpointing: checkpointing[c.checkpointing ?? 'none'],
    checkpoint_every: c.checkpoint_every ?? 1,
    checkpoint_keep: c.checkpoint_keep ?? 'none',
    optimizer,
    reference_model: c.reference === true,
    gradient_accumulation: c.accumulation ?? 1,
    ...(c.target_seq === undefined ? {} : { target_seq_len: c.target_seq }),
    ...(optimizer === 'adamw' ? { optimizer_impl: impl[c.optimizer_impl ?? 'foreach'] } : {}),
    ...(q
      ? {
          quantize: q.bits === 8 ? 'int8' : q.double ? 'nf4-double' : 'nf4',
          prepare_kbit: q.prepare === true,
          trl_casts: q.trl === true,
        }
      : {}),
    ...(c.parallel ? sharedBy(c.parallel) : {}),
    ...(c.tp ? { tp: c.tp } : {}),
    ...(c.pp ? { pp: c.pp } : {}),
    ...(a
      ? {
          rank: a.r,
          lora_alpha: a.alpha ?? 2 * a.r,
          lora_dropout: a.dropout ?? 0,
          target_modules: [...a.targets],
          adapter_dtype: a.upcast === false ? 'base' : 'float32',
          use_dora: a.dora === true,
          use_rslora: a.rslora === true,
          ...(a.modules_to_save ? { modules_to_save: [...a.modules_to_save] } : {}),
        }
      : {}),
  }
}

function sharedBy(p: NonNullable<Recorded['case']['parallel']>): TrainingOptions {
  if (p.kind === 'ddp') return { gpus: p.ranks, ddp_bucket_views: p.bucket_views === true }
  const { reshard = true, replicas = 1, wrap = 'layers', offload = false } = p
  const whole = reshard ? 'full_shard' : 'shard_grad_op'
  const hybrid = reshard ? 'hybrid_shard' : 'hybrid_shard_zero2'
  return {
    gpus: p.ranks,
    fsdp: `${replicas > 1 ? hybrid : whole}${offload ? ' offload' : ''}`,
    fsdp_wrap: wrap,
    ...(replicas > 1 ? { gpus_per_node: p.ranks / replicas } : {}),
  }
}

/** The stack that a row was recorded on, by its versions without their last part. */
export function stackOfRow({ stack }: Pick<Recorded, 'stack'>): Stack {
  const minor = (version: string): string => version.split('.').slice(0, 2).join('.')
  const { torch, transformers, peft } = stack
  return resolveStack(`torch-${minor(torch)}+transformers-${minor(transformers)}+peft-${minor(peft)}`)
}

/** Throws `ModelError` where the architecture is not modelled. */
export function settingOfRow(c: Recorded['case'], stack: string): { model: ModelSpec; train: TrainSpec } {
  const { arch, ...config } = c.model
  const model = specFromConfig({ architectures: [arch], torch_dtype: c.dtype, ...config }, { name: c.id })
  const { train } = resolveTraining(model, optionsOf(c), { stack })
  const rank = c.parallel?.rank ?? 0
  return { model, train: train.parallelism ? { ...train, parallelism: { ...train.parallelism, rank } } : train }
}

import type { ModelSpec } from '../../models/spec.ts'
import type { TrainingOptions } from '../training/options.ts'
import type { TrainSpec } from '../training/spec.ts'

export const LEVERS = [
  'method',
  'quantize',
  'targets',
  'rank',
  'dtype',
  'attention',
  'checkpointing',
  'optimizer',
  'fused-loss',
  'micro-batch',
] as const
export type LeverName = (typeof LEVERS)[number]

/** Something about a setting that may be changed to make it fit or to make it faster. */
export interface Lever {
  /** What else it could be, each as the options that say so; what the setting already is may be among them. */
  readonly others: (train: TrainSpec, model: ModelSpec) => readonly TrainingOptions[]
  /** The setting's own value, in words. */
  readonly said: (train: TrainSpec) => string
}

/** Adapters train a few thousandths of the weights: their optimizer's state is too small to be worth a lever. */
const isWhole = (train: TrainSpec): boolean => train.adapter === null

/** Batches that divide this one, with as many micro-steps more. */
const splits = ({ batch, accumulation }: TrainSpec): TrainingOptions[] =>
  [2, 4, 8, 16]
    .filter((n) => batch % n === 0)
    .map((n) => ({ batch_size: batch / n, gradient_accumulation: accumulation * n }))

export const LEVER: Readonly<Record<LeverName, Lever>> = {
  method: {
    others: ({ method }) =>
      (['lora', 'lora-fa'] as const).filter((m) => m !== method).map((m): TrainingOptions => ({ method: m })),
    said: ({ method }) => method,
  },
  quantize: {
    others: ({ quantize }) =>
      quantize ? [] : [{ quantize: 'nf4-double' }, { quantize: 'nf4-double', prepare_kbit: true }],
    said: ({ quantize }) => (quantize ? `${quantize.kind}${quantize.prepare ? ', prepared' : ''}` : 'none'),
  },
  targets: {
    others: ({ adapter }) =>
      adapter === null || adapter.targets.includes('all-linear') ? [] : [{ target_modules: ['all-linear'] }],
    said: ({ adapter }) => adapter?.targets.join(',') ?? 'every weight',
  },
  rank: {
    others: ({ adapter }) => (adapter === null ? [] : [4, 8, 16, 32, 64, 128].map((rank) => ({ rank }))),
    said: ({ adapter }) => String(adapter?.rank ?? 'full'),
  },
  dtype: {
    others: ({ dtype, autocast }) => (dtype === 'float32' && autocast === 'none' ? [{ dtype: 'bfloat16' }] : []),
    said: ({ dtype }) => dtype,
  },
  attention: {
    others: ({ attention }) =>
      (['sdpa', 'flash_attention_2'] as const)
        .filter((a) => a !== attention && attention === 'eager')
        .map((a): TrainingOptions => ({ attention: a })),
    said: ({ attention }) => attention,
  },
  checkpointing: {
    others: ({ checkpointing }) =>
      checkpointing === 'none' ? [{ gradient_checkpointing: 'non-reentrant' }] : [{ gradient_checkpointing: 'none' }],
    said: ({ checkpointing }) => checkpointing,
  },
  optimizer: {
    others: (train) =>
      isWhole(train) && train.optimizer === 'adamw'
        ? [{ optimizer: 'adamw-8bit' }, { optimizer: 'paged-adamw-8bit' }, { optimizer: 'adafactor' }]
        : [],
    said: ({ optimizer }) => optimizer,
  },
  'fused-loss': {
    others: ({ fusedLoss }) => (fusedLoss ? [] : [{ fused_loss: 'liger' }]),
    said: ({ fusedLoss }) => fusedLoss ?? 'none',
  },
  'micro-batch': {
    others: splits,
    said: ({ batch, accumulation }) => `${batch} × ${accumulation}`,
  },
}

/** A setting as the options that say it in full; its model stays apart. */
export function optionsOf(train: TrainSpec): TrainingOptions {
  const { adapter, quantize } = train
  return {
    method: train.method,
    batch_size: train.batch,
    seq_len: train.tokens,
    ...(train.task === 'seq2seq-lm' ? { target_seq_len: train.targetTokens } : {}),
    dtype: train.dtype,
    autocast: train.autocast,
    attention: train.attention,
    padding: train.padding,
    ...(train.fusedLoss ? { fused_loss: train.fusedLoss } : {}),
    optimizer: train.optimizer,
    ...(train.optimizer === 'adamw' || train.optimizer === 'sgd' ? { optimizer_impl: train.optimizerImpl } : {}),
    ...(quantize ? { quantize: quantize.kind, prepare_kbit: quantize.prepare } : {}),
    ...(quantize?.trlCasts ? { trl_casts: true } : {}),
    gradient_checkpointing: train.checkpointing,
    gradient_accumulation: train.accumulation,
    ...(train.reference ? { reference_model: true } : {}),
    ...(adapter === null
      ? {}
      : {
          rank: adapter.rank,
          lora_alpha: adapter.alpha,
          lora_dropout: adapter.dropout,
          target_modules: adapter.targets,
          modules_to_save: adapter.modulesToSave ?? [],
          adapter_dtype: adapter.dtype,
          use_rslora: adapter.rslora,
          use_dora: adapter.dora === true,
        }),
  }
}

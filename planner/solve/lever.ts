import type { TrainingOptions } from '../training/options.ts'
import { parallelOptions } from '../training/parallel.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { LeverName } from './names.ts'

/** Something about a setting that may be changed to make it fit or to make it faster. */
export interface Lever {
  /** What else it could be, each as the options that say so. */
  readonly others: (train: TrainSpec) => readonly TrainingOptions[]
  /** The setting's own value, in words. */
  readonly said: (train: TrainSpec) => string
}

/** Adapters train a few thousandths of the weights: their optimizer's state is too small to be worth a lever. */
const isWhole = (train: TrainSpec): boolean => train.adapter === null

/** Checkpointing that is none, of some layers, of all that keeps the costly results, or of all. */
const CHECKPOINTS: readonly TrainingOptions[] = [
  { gradient_checkpointing: 'none', checkpoint_every: undefined, checkpoint_keep: undefined },
  { gradient_checkpointing: 'non-reentrant', checkpoint_every: 2, checkpoint_keep: undefined },
  { gradient_checkpointing: 'non-reentrant', checkpoint_every: undefined, checkpoint_keep: 'products' },
  { gradient_checkpointing: 'non-reentrant', checkpoint_every: undefined, checkpoint_keep: 'attention' },
  { gradient_checkpointing: 'non-reentrant', checkpoint_every: undefined, checkpoint_keep: undefined },
]

const isSame = (o: TrainingOptions, { checkpointing, checkpointEvery, checkpointKeep }: TrainSpec): boolean =>
  o.gradient_checkpointing === checkpointing &&
  o.checkpoint_every === checkpointEvery &&
  o.checkpoint_keep === checkpointKeep

/** The strategy as a person names it; undefined for copies. */
const sharedAs = ({ parallelism }: TrainSpec): string | undefined => parallelism && parallelOptions(parallelism).fsdp

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
    others: ({ adapter }) =>
      adapter === null ? [] : [4, 8, 16, 32, 64, 128].filter((r) => r !== adapter.rank).map((rank) => ({ rank })),
    said: ({ adapter }) => String(adapter?.rank ?? 'full'),
  },
  dtype: {
    others: ({ dtype, autocast }) => (dtype === 'float32' && autocast === 'none' ? [{ dtype: 'bfloat16' }] : []),
    said: ({ dtype }) => dtype,
  },
  attention: {
    // sdpa takes a flash kernel by itself
    others: ({ attention }) =>
      attention === 'eager' ? [{ attention: 'sdpa' }, { attention: 'flash_attention_2' }] : [],
    said: ({ attention }) => attention,
  },
  checkpointing: {
    others: (train) => CHECKPOINTS.filter((o) => !isSame(o, train)),
    said: ({ checkpointing, checkpointEvery, checkpointKeep }) => {
      const layers = checkpointEvery ? [`1 layer in ${checkpointEvery}`] : []
      const kept = checkpointKeep ? [`all but ${checkpointKeep}`] : []
      return [...layers, ...kept].join(', ') || checkpointing
    },
  },
  optimizer: {
    others: (train) =>
      isWhole(train) && train.optimizer === 'adamw'
        ? (['adamw-8bit', 'paged-adamw-8bit', 'adafactor'] as const).map(
            (optimizer): TrainingOptions => ({ optimizer, optimizer_impl: undefined }),
          )
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
  sharding: {
    // what devices send to each other takes time that is not counted
    others: (train) =>
      train.parallelism
        ? ['full_shard', 'shard_grad_op', undefined].filter((f) => f !== sharedAs(train)).map((fsdp) => ({ fsdp }))
        : [],
    said: (train) => (train.parallelism ? (sharedAs(train) ?? 'ddp') : 'one device'),
  },
}

import type { ModelSpec } from '../../../models/spec.ts'
import type { Library } from '../../network/library.ts'
import { Refusal } from '../../trace/errors.ts'
import type { TrainSpec } from '../../training/spec.ts'

/** Model types whose stages have been recorded. */
const RECORDED: ReadonlySet<string> = new Set(['llama', 'mistral', 'qwen2', 'qwen3'])

/** Micro-batches are simulated one by one: so many are seconds of work. */
const MOST_MICRO_BATCHES = 256

/**
 * What a pipeline is not modelled with. Most of it would run: no recording says what it allocates.
 *
 * @throws Refusal
 */
export function refusePipeline(model: ModelSpec, train: TrainSpec, stages: number, library: Library): void {
  const layers = 'layers' in model ? model.layers : 0
  const { accumulation, adapter, parallelism } = train
  const leave = 'Leave one of the two out.'
  const reasons: readonly (readonly [is: boolean, code: string, where: string, message: string, next: string])[] = [
    [
      library.modelTypes !== null,
      'not-modelled',
      '--pp',
      "is PyTorch's schedule over the stages of transformers 5, which this stack is not",
      'Choose another --stack.',
    ],
    [
      !RECORDED.has(model.modelType),
      'not-modelled',
      '--pp',
      `stages of ${model.modelType} are not modelled; those of ${[...RECORDED].join(', ')} are`,
      'Leave it out.',
    ],
    [
      'tied' in model && model.tied,
      'not-modelled',
      '--pp',
      'a head tied to the embedding is not modelled: the last stage has a copy of it, and nothing adds the gradients of the two',
      'Leave it out.',
    ],
    [
      layers < stages,
      'conflict',
      '--pp',
      `is ${stages}, and the model has ${layers} layers: each stage needs one`,
      `Say at most ${layers}.`,
    ],
    [
      accumulation < stages,
      'conflict',
      '--gradient-accumulation',
      `is ${accumulation}; 1F1B takes a micro-batch a stage at the least, of which there are ${stages}`,
      `Say --gradient-accumulation ${stages} or more.`,
    ],
    [
      accumulation > MOST_MICRO_BATCHES,
      'not-modelled',
      '--gradient-accumulation',
      `is ${accumulation}; micro-batches of a pipeline are simulated one by one`,
      `Say at most ${MOST_MICRO_BATCHES}.`,
    ],
    ...(
      [
        [parallelism?.data.kind !== 'alone', 'copies or shards of its stages'],
        [(parallelism?.tensor ?? 1) > 1, 'stages whose layers ranks share'],
        [train.padding, 'a padded batch'],
        [train.autocast !== 'none', 'autocast'],
        [train.attention === 'flash_attention_2', 'flash_attention_2'],
        [train.checkpointing === 'reentrant', 'reentrant checkpointing'],
        [
          train.checkpointEvery !== undefined || train.checkpointKeep !== undefined,
          'a checkpoint of some layers or operations',
        ],
        [train.quantize !== undefined, 'a quantized base'],
        [train.fusedLoss !== undefined, 'a fused loss'],
        [train.fusedKernels !== undefined, 'fused kernels'],
        [train.reference, 'a pass of reference'],
        [adapter?.dora === true, 'DoRA'],
        [(adapter?.modulesToSave?.length ?? 0) > 0, 'modules that train whole beside adapters'],
        [train.optimizer !== 'adamw' && train.optimizer !== 'sgd', train.optimizer],
      ] as const
    ).map(([is, what]) => [is, 'not-modelled', '--pp', `a pipeline is not modelled with ${what}`, leave] as const),
  ]
  const found = reasons.find(([is]) => is)
  if (!found) return
  const [, code, where, message, next] = found
  throw new Refusal(code, where, message, next)
}

import type { ModelSpec } from '../../../models/spec.ts'
import { CURRENT, type Library } from '../../network/library.ts'
import type { TrainSpec } from '../../training/spec.ts'
import { refusePipeline } from './refusals.ts'

/** A setting of one stage: the model has that stage's layers only. */
export interface Staged {
  readonly model: ModelSpec
  readonly train: TrainSpec
}

/**
 * Layers from … to of a stage: as many to each, what is left over to the last (transformers/distributed/pipeline_parallel.py,
 * layer_range_for_rank).
 */
export function layersOf(layers: number, stages: number, stage: number): readonly [from: number, to: number] {
  const each = Math.floor(layers / stages)
  return [stage * each, stage === stages - 1 ? layers : (stage + 1) * each]
}

/**
 * The setting with the layers of its rank's stage; as it is without a pipeline, or once it is a stage's.
 *
 * @throws Refusal for what is not modelled
 */
export function ofStage(model: ModelSpec, train: TrainSpec, library: Library = CURRENT): Staged {
  const { parallelism } = train
  const pipeline = parallelism?.pipeline
  if (!pipeline || pipeline.from !== undefined) return { model, train }
  refusePipeline(model, train, pipeline.stages, library)
  if (!('layers' in model)) throw new Error('a model without layers has been let through')
  const [from, to] = layersOf(model.layers, pipeline.stages, pipeline.stage)
  return {
    model: { ...model, layers: to - from },
    train: { ...train, parallelism: { ...parallelism, pipeline: { ...pipeline, from } } },
  }
}

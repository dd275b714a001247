import { interleavedFactor, type MegatronModel, type MegatronSetting } from './setting.ts'

/** What is computed again in the backward: nothing, attention from the scores to their product with V, or whole layers. */
export const RECOMPUTATIONS = ['none', 'selective', 'full'] as const
export type Recomputation = (typeof RECOMPUTATIONS)[number]

/** How activations are kept, beside how the training is divided. */
export interface Keeping {
  readonly sequenceParallel: boolean
  readonly recompute: Recomputation
}

type Sizes = Pick<MegatronSetting, 'tokens' | 'microBatch' | 'tensor'>

/**
 * Bytes that one layer keeps a micro-batch, in 16 bits, its MLP 4·h wide and written-out attention with dropout, by table 2 of arXiv
 * 2205.05198: `s·b·h·(10 + 24/t + 5·a·s/(h·t))` under tensor parallelism, all of it over t with sequence parallelism, the
 * quadratic part left out under selective recomputation, `2·s·b·h` under full.
 */
export function layerBytes(model: MegatronModel, { tokens, microBatch, tensor }: Sizes, keeping: Keeping): number {
  const { hidden, heads } = model
  const stream = tokens * microBatch * hidden
  if (keeping.recompute === 'full') return 2 * stream
  const whole = keeping.sequenceParallel ? 10 / tensor : 10
  const quadratic = keeping.recompute === 'none' ? (5 * heads * tokens) / (hidden * tensor) : 0
  return stream * (whole + 24 / tensor + quadratic)
}

/**
 * Bytes of activations on the first stage, which holds p micro-batches of L/p layers: L layers' worth whatever p is (equation 5), times
 * the interleaved schedule's factor.
 */
export function firstStageBytes(model: MegatronModel, setting: MegatronSetting, keeping: Keeping): number {
  const { pipeline, chunks } = setting
  const factor = chunks === null ? 1 : interleavedFactor(pipeline, chunks)
  return layerBytes(model, setting, keeping) * model.layers * factor
}

/**
 * What embedding and head add with sequence parallelism (section 4.3): a mask of dropout for each of p micro-batches, and where the only
 * stage is the last one too, what the final norm and the head keep, and float32 logits.
 */
export function outerBytes(
  { hidden, vocab }: MegatronModel,
  { tokens, microBatch, tensor, pipeline }: MegatronSetting,
): number {
  const stream = (tokens * microBatch * hidden) / tensor
  return stream * pipeline + (pipeline === 1 ? 4 * stream * (1 + vocab / hidden) : 0)
}

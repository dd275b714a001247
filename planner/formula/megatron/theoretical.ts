import { interleavedFactor, type MegatronModel, type MegatronSetting } from './setting.ts'

// What Megatron-LM prints before it trains (megatron/training/theoretical_memory_usage.py, commit d98e8a6), for dense decoders: mixtures
// of experts, latent attention and multi-token prediction are no models here. Sums and products stand in the order of that file, so that
// fractions of bytes come out the same.

/** Elements by how ranks hold them: divided by t, or whole on each. */
interface Held {
  readonly divided: number
  readonly whole: number
}

/** Of the stage that has most: its share of the layers and the embedding, and with one stage the head too. */
function mostLoaded(model: MegatronModel, { tensor, pipeline }: MegatronSetting): Held {
  const { layers, hidden, heads, queryGroups, headWidth } = model
  const normSize = model.norm === 'RMSNorm' ? 1 : 2
  const ratio = (headWidth * heads) / hidden
  const attention = 2 * hidden * hidden * ((1 + queryGroups / heads) * ratio)
  const mlp = 2 * hidden * model.feedForward * (model.gated ? 3 / 2 : 1)
  const norms = 2 * hidden * normSize
  const embedding = hidden * model.vocab
  const divided = ((attention + mlp) * layers) / pipeline + embedding
  const whole = (norms * layers + normSize * hidden) / pipeline
  const head = model.untied && pipeline === 1 ? embedding / tensor : 0
  return { divided: divided / tensor + head, whole }
}

/** Bytes of an element that trains: 2 of the weight, 4 of its gradient, and 12 of float32 weight and moments, which may be divided. */
const bytesPerParameter = ({ distributedOptimizer, data }: MegatronSetting): number =>
  distributedOptimizer ? 6 + 12 / data : 18

/** compute_weight_and_optimizer_memory: bytes of weights, gradients and optimizer on the most loaded stage; may be a fraction. */
export function weightAndOptimizerBytes(model: MegatronModel, setting: MegatronSetting): number {
  const { divided, whole } = mostLoaded(model, setting)
  return (divided + whole) * bytesPerParameter(setting)
}

/** Ids and a mask of dropout for each micro-batch under way. */
function withEmbedding(
  bytes: number,
  { hidden }: MegatronModel,
  { tokens, microBatch, pipeline }: MegatronSetting,
): number {
  return bytes + 8 * tokens * microBatch * pipeline + tokens * microBatch * hidden * pipeline
}

/** The first stage of the schedule, from what all layers keep of one micro-batch. */
function scheduled(bytes: number, { pipeline, chunks, microBatches }: MegatronSetting): number {
  if (chunks !== null) return bytes * interleavedFactor(pipeline, chunks)
  return pipeline > 1 && microBatches !== null ? bytes * Math.min(1, microBatches / pipeline) : bytes
}

/** compute_activation_memory: with sequence parallelism and selective recomputation, all of it over t. */
export function activationBytes(model: MegatronModel, setting: MegatronSetting): number {
  const { hidden, feedForward, vocab } = model
  const { tokens, microBatch } = setting
  const layer = tokens * microBatch * hidden * (18 + 4 * (feedForward / hidden))
  const bytes = scheduled(withEmbedding(layer * model.layers, model, setting), setting)
  const head = setting.pipeline === 1 ? tokens * microBatch * hidden * 4 * (1 + vocab / hidden) : 0
  return (bytes + head) / setting.tensor
}

/** compute_activation_memory_without_sp: `s·b·h·(10 + 24/t)` a layer, logits in 16 bits, and 5 % on top for what is not counted. */
export function activationBytesWithoutSequenceParallelism(model: MegatronModel, setting: MegatronSetting): number {
  const { hidden, vocab } = model
  const { tokens, microBatch, tensor } = setting
  const layer = tokens * microBatch * hidden * (10 + 24 / tensor)
  const bytes = scheduled(withEmbedding(layer * model.layers, model, setting), setting)
  const head = setting.pipeline === 1 ? ((tokens * microBatch * vocab) / tensor + tokens * microBatch * hidden) * 2 : 0
  return (bytes + head) * 1.05
}

import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import type { Axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'

/**
 * nn.Embedding: ids `[b, t]` → `[b, t, h]`, times `scale` where there is one, a buffer (GemmaTextScaledWordEmbedding) or a number
 * (BartScaledWordEmbedding). The model's first embedding: with an adapter and checkpointing its result is made to require a gradient
 * (transformers' enable_input_require_grads, which PEFT and the Trainer call).
 */
export function embed<T extends Tensor>(
  o: Shorthand<T>,
  train: TrainSpec,
  path: string,
  weight: Parameter,
  ids: T,
  scale: Parameter | number | null = null,
): T {
  const forward = (): T => {
    const rows = weight.whole ? sharedRows(o, weight, weight.whole[0]!, ids) : o.embedding(o.parameter(weight), ids)
    if (typeof scale === 'number') return o.mulScalar(rows, scale)
    return scale ? o.mul(rows, o.to(o.parameter(scale), weight.dtype)) : rows
  }
  // a forward hook of the module: others that come after it see a result that requires a gradient
  return o.module(path, [ids], () =>
    train.adapter && train.checkpointing !== 'none' ? o.requireGrad(forward()) : forward(),
  )
}

/** The rows of a table that ranks share (EmbeddingParallel): each looks up its own, and they are summed. */
const sharedRows = <T extends Tensor>(o: Shorthand<T>, weight: Parameter, whole: Axis, ids: T): T =>
  o.run('all_reduce', [o.run('embedding_piece', [o.parameter(weight), ids], { whole })], {})

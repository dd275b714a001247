import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axes, type Axis, axis } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Linear, linear } from './linear.ts'
import { causalLoss } from './loss.ts'
import type { Network } from './network.ts'

/** Which part of a decoder a rank of a pipeline has. */
export interface Part {
  /** It begins with the embedding. */
  readonly first: boolean
  /** It ends with norm, head and loss. */
  readonly last: boolean
  /** Number of its first layer. */
  readonly from: number
}

const WHOLE: Part = { first: true, last: true, from: 0 }

/** The part that the setting's rank has: all of the model without a pipeline. */
export function partOf({ parallelism }: TrainSpec): Part {
  const pipeline = parallelism?.pipeline
  if (!pipeline) return WHOLE
  const { stage, stages, from } = pipeline
  if (from === undefined) throw new Error('the model has to be the one of a stage: planner/shard/pipeline/stage.ts')
  return { first: stage === 0, last: stage === stages - 1, from }
}

/** What a stage of a pipeline runs. */
export interface StageProgram {
  /** A micro-batch's hidden states as they come from the stage before, or go to the next. */
  readonly hidden: { readonly axes: Axes; readonly dtype: DType }
  /** Ids on the first stage, else hidden states; hidden states out, on the last logits. */
  run<T extends Tensor>(o: Shorthand<T>, x: T): T
  /** The loss of the last stage's logits. */
  loss<T extends Tensor>(o: Shorthand<T>, logits: T, labels: T): T
}

/** A decoder's stage from its parts; a head and its loss where it is the last. */
interface Parts {
  readonly hidden: StageProgram['hidden']
  readonly vocab: Axis
  readonly head: Linear | null
  /** Embedding and layers, on the last stage the norm too. */
  forward<T extends Tensor>(o: Shorthand<T>, x: T): T
}

/**
 * Inputs and program of a stage. All micro-batches lie in one tensor: ids on the first stage, labels on the last. Its forward is the
 * causal language model's own without a loss, which the schedule takes of what it gives out.
 */
export function stageNetwork(
  train: TrainSpec,
  { first, last }: Part,
  { hidden, vocab, head, forward }: Parts,
): Pick<Network, 'inputs' | 'forward' | 'stage'> {
  const { batch, accumulation, tokens } = train
  const axes = [axis(accumulation === 1 ? 'b' : 'm·b', accumulation * batch), axis('t', tokens)]
  const input = (name: 'input_ids' | 'labels') => ({ name, axes, dtype: 'int64' }) as const
  return {
    inputs: [...(first ? [input('input_ids')] : []), ...(last ? [input('labels')] : [])],
    stage: {
      hidden,
      run: (o, x) =>
        head
          ? o.call([], (s) => {
              const made = s.let(forward(o, x))
              return linear(o, head, made)
            })
          : forward(o, x),
      loss: (o, logits, labels) => causalLoss(o, logits, labels, vocab),
    },
    forward: () => {
      throw new Error('a stage runs by its schedule')
    },
  }
}

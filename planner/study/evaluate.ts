import type { ModelSpec } from '../../models/spec.ts'
import { Tape } from '../autograd/tape.ts'
import type { Executor } from '../execute/index.ts'
import type { Network } from '../network/network.ts'
import type { Score } from '../result/study.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { LoadedBatch } from './loaded-batch.ts'
import type { BatchValues } from './tasks.ts'

/** The model in evaluation mode: no dropout anywhere. Its parameters have the places that the training network's have. */
export function withoutDropout(model: ModelSpec, train: TrainSpec): { model: ModelSpec; train: TrainSpec } {
  const still = Object.fromEntries(
    Object.entries(model).map(([key, value]) => [key, /dropout$/i.test(key) && typeof value === 'number' ? 0 : value]),
  )
  const adapter = train.adapter && { ...train.adapter, dropout: 0 }
  // every key is the spec's own, and a probability stays one
  return { model: still as unknown as ModelSpec, train: { ...train, adapter } }
}

/**
 * Mean loss over batches (nats a token, or a window for a classifier), and for a classifier the share of windows told rightly.
 * Runs forwards without a graph.
 */
export async function evaluate(
  executor: Executor,
  network: Network,
  loaded: LoadedBatch,
  batches: readonly BatchValues[],
): Promise<Score> {
  let [loss, right, rows] = [0, 0, 0]
  for (const batch of batches) {
    loaded.fill(batch)
    const { logits, loss: one } = await forward(executor, network, loaded)
    loss += one / batches.length
    if (batch.labels.length === batch.input_ids.length) continue
    const classes = logits.length / batch.labels.length
    batch.labels.forEach((label, row) => {
      rows++
      if (label === largest(logits.subarray(row * classes, (row + 1) * classes))) right++
    })
  }
  return { loss, accuracy: rows === 0 ? null : right / rows }
}

/** One forward without a graph: copies of the logits, row by row, and the loss. */
export async function forward(
  executor: Executor,
  network: Network,
  loaded: LoadedBatch,
): Promise<{ logits: Float32Array; loss: number }> {
  executor.position.phase = 'forward'
  executor.position.scope = ''
  const tape = new Tape(executor)
  const [logits, loss] = tape.noGrad(() => {
    const [made, mean] = network.forward(tape, loaded.tensors)
    if (made === null) throw new Error('a fused loss makes no logits to evaluate')
    tape.hold(made)
    tape.hold(mean)
    return [made, mean] as const
  })
  const [values, mean] = [await executor.read(logits), await executor.read(loss)]
  tape.drop(logits)
  tape.drop(loss)
  return { logits: Float32Array.from(values), loss: Number(mean[0]) }
}

function largest(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

import { readFileSync } from 'node:fs'
import { specFromConfig } from '../../models/index.ts'
import type { ModelSpec } from '../../models/spec.ts'
import { readSafetensors, type TensorValues } from '../../models/weights/tensors.ts'
import { Executor, loadEngine } from '../execute/index.ts'
import type { Network } from '../network/network.ts'
import type { Parameter } from '../ops/ops.ts'
import { forward } from './evaluate.ts'
import { LoadedBatch } from './loaded-batch.ts'
import type { BatchValues } from './tasks.ts'

const folder = new URL('../../../fixtures/checkpoints/', import.meta.url)

export const FAMILIES = ['llama', 'bert', 't5'] as const
export type FamilyName = (typeof FAMILIES)[number]

export const bytesOf = (path: string): Uint8Array => readFileSync(new URL(path, folder))
export const jsonOf = (path: string): unknown => JSON.parse(readFileSync(new URL(path, folder), 'utf8'))
export const tensorsOf = (path: string): TensorValues[] => readSafetensors(bytesOf(path), path)

/** A shipped checkpoint's model; BERT as the classifier that is made of it. */
export function modelOf(name: FamilyName): ModelSpec {
  const config = { ...(jsonOf(`${name}/config.json`) as Record<string, unknown>) }
  if (name === 'bert') config.architectures = ['BertForSequenceClassification']
  return specFromConfig(config, { name })
}

/** Logits of a network on wasm, with the given values for its parameters. */
export async function logitsOf(
  network: Network,
  start: (p: Parameter) => ArrayLike<number>,
  batch: BatchValues,
): Promise<Float32Array> {
  const engine = await loadEngine('wasm')
  const executor = new Executor({ engine, seed: 0, sink: () => undefined })
  try {
    executor.materialize([...network.parameters, ...network.buffers], start)
    return (await forward(executor, network, new LoadedBatch(executor, network, batch))).logits
  } finally {
    executor.close()
    engine.close()
  }
}

/** Largest difference. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!))
  return most
}

/** A text of enough documents for every split. */
export const LINES = {
  name: 'lines',
  documents: Array.from({ length: 30 }, (_, i) => ({
    text: 'Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse. '.slice(
      i,
    ),
    place: i,
  })),
}

import type { ModelSpec } from '../../models/spec.ts'
import type { EncodedCorpus } from './corpus.ts'
import { streamOf } from './random.ts'
import type { StudyRequest } from './request.ts'
import { type BatchValues, type Sampler, samplerOf } from './tasks.ts'
import type { Tokenizer } from './tokenizer.ts'

/** What a training draws from and is looked at by. */
export interface Data {
  readonly draw: Sampler
  readonly validation: readonly BatchValues[]
  readonly test: readonly BatchValues[]
}

/**
 * Batches that validation and test go over, the same for all runs. A classifier says one thing a window, a language model one a token:
 * it is looked at more often.
 */
export const LOOKED_AT: Readonly<Record<ModelSpec['task'], { readonly validation: number; readonly test: number }>> = {
  'causal-lm': { validation: 8, test: 8 },
  'seq2seq-lm': { validation: 8, test: 8 },
  'sequence-classification': { validation: 16, test: 64 },
}

const LOOKED_AT_SEED = 0

export function dataOf(
  model: ModelSpec,
  { options }: Pick<StudyRequest, 'options'>,
  corpus: EncodedCorpus,
  tokenizer: Tokenizer,
): Data {
  const sizes = { batch: options.batch_size ?? 1, tokens: options.seq_len ?? 1 }
  const fixed = (split: 'validation' | 'test'): BatchValues[] => {
    const draw = samplerOf(model, corpus, split, sizes, tokenizer)
    const random = streamOf(split, LOOKED_AT_SEED)
    return Array.from({ length: LOOKED_AT[model.task][split] }, () => draw(random))
  }
  return {
    draw: samplerOf(model, corpus, 'training', sizes, tokenizer),
    validation: fixed('validation'),
    test: fixed('test'),
  }
}

/** Share of the commonest label. */
export function majorityOf(batches: readonly BatchValues[]): number {
  const counts = new Map<number, number>()
  for (const label of batches.flatMap((b) => [...b.labels])) counts.set(label, (counts.get(label) ?? 0) + 1)
  const all = [...counts.values()].reduce((sum, n) => sum + n, 0)
  return Math.max(...counts.values()) / all
}

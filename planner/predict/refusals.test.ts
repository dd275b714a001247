import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { DEFAULT_STACK, predict, resolveStack } from './index.ts'

function predicted(name: string, options: TrainingOptions): () => unknown {
  const model = specFromCatalog(name, { layers: 1 })
  const { train } = resolveTraining(model, { seq_len: 16, ...options }, { stack: DEFAULT_STACK })
  return () => predict(model, train, resolveStack(DEFAULT_STACK))
}

const refused = (name: string, options: TrainingOptions, why: RegExp) =>
  assert.throws(predicted(name, options), (e: unknown) => e instanceof Refusal && why.test(e.message))

test('float32 sdpa with grouped keys, which CUDA runs without a fused kernel, is refused', () => {
  refused('tinyllama-1.1b', { dtype: 'float32', attention: 'sdpa' }, /grouped|fewer key heads/)
  assert.not.throws(predicted('tinyllama-1.1b', { dtype: 'float32', attention: 'eager' }))
  assert.not.throws(predicted('tinyllama-1.1b', { dtype: 'bfloat16', attention: 'sdpa' }))
  assert.not.throws(predicted('tinyllama-1.1b', { dtype: 'float32', autocast: 'bfloat16', attention: 'sdpa' }))
  assert.not.throws(predicted('llama-2-7b', { dtype: 'float32', attention: 'sdpa' }))
})

test('T5 in float16 and in 4 bits, where transformers treats single modules apart, is refused', () => {
  refused('t5-small', { dtype: 'float16', attention: 'eager', method: 'full' }, /float16/)
  refused('t5-small', { attention: 'eager', method: 'lora', quantize: 'nf4' }, /wo/)
  assert.not.throws(predicted('t5-small', { dtype: 'bfloat16', attention: 'eager', method: 'full' }))
})

test.run()

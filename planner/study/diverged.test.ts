import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { matchCheckpoint } from './checkpoint.ts'
import { executeStudy } from './index.ts'
import { studySetting } from './setting.ts'
import { LINES, modelOf, tensorsOf } from './study.test.cases.ts'

test('a training that diverges is recorded with its step, the others go on, and it is not made again', async () => {
  const model = modelOf('llama')
  const options = { batch_size: 2, seq_len: 8 }
  const { network } = studySetting(model, 'wasm', 'full', null, options)
  const { weights } = matchCheckpoint(network, tensorsOf('llama/model.safetensors'), 'llama')
  const request = {
    model,
    engine: 'wasm',
    options,
    methods: ['lora'],
    ranks: [2],
    learningRates: [1e30, 0.01],
    seeds: [0],
    steps: 4,
    pretrainSteps: 0,
    corpora: { before: LINES, after: LINES },
    tokenizer: null,
    checkpoint: 'llama',
  } as const
  const readBase = async () => ({ weights, source: 'llama' })
  const first = await executeStudy(request, { readBase })
  assert.equal(
    first.diverged.map((d) => [d.learning_rate, d.seed]),
    [[1e30, 0]],
  )
  assert.ok(first.diverged[0]!.diverged_at >= 1 && first.diverged[0]!.diverged_at <= 4)
  assert.equal(
    first.runs.map((r) => r.learning_rate),
    [0.01],
  )
  const made: unknown[] = []
  const again = await executeStudy(request, {
    readBase,
    finished: [...first.runs, ...first.diverged],
    onRun: (r) => made.push(r),
  })
  assert.equal(made, [])
  assert.equal(again.diverged, first.diverged)
})

test.run()

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { firstStageBytes, layerBytes, outerBytes, RECOMPUTATIONS } from './paper.ts'
import { inFlight, interleavedFactor, type MegatronModel, type MegatronSetting, paddedVocab } from './setting.ts'
import { activationBytes, activationBytesWithoutSequenceParallelism, weightAndOptimizerBytes } from './theoretical.ts'

interface Row {
  readonly name: string
  readonly model: MegatronModel
  readonly setting: MegatronSetting
  readonly weights: number
  readonly activations: number
  readonly activations_without_sp: number
}

const file = new URL('../../../../fixtures/megatron/theoretical.jsonl', import.meta.url)
const [, ...lines] = readFileSync(file, 'utf8').trim().split('\n')
const rows = lines.map((line) => JSON.parse(line) as Row)

test("every figure of Megatron-LM's own file, to the last bit", () => {
  assert.is(rows.length, 65)
  for (const { name, model, setting, ...want } of rows) {
    const got = {
      weights: weightAndOptimizerBytes(model, setting),
      activations: activationBytes(model, setting),
      activations_without_sp: activationBytesWithoutSequenceParallelism(model, setting),
    }
    assert.equal(got, want, name)
  }
})

const GPT3 = rows.find((r) => r.name === 'gpt3-175b-0')!.model

/** Section 4.1 writes `s·b·h·(34 + 5·a·s/h)`, for GPT-3 with 5·a·s/h = 80. */
test("the paper's worked numbers: 34 + 80 for GPT-3, 70 % of it away with selective recomputation", () => {
  const sizes = { tokens: 2048, microBatch: 1, tensor: 1 }
  const stream = 2048 * GPT3.hidden
  const bytes = (recompute: (typeof RECOMPUTATIONS)[number], tensor = 1, sequenceParallel = false) =>
    layerBytes(GPT3, { ...sizes, tensor }, { sequenceParallel, recompute })
  assert.is(bytes('none') / stream, 34 + 80)
  assert.is(Math.round(100 * (1 - bytes('selective') / bytes('none'))), 70)
  assert.is(bytes('full') / stream, 2)
  assert.is(bytes('none', 8) / stream, 10 + 24 / 8 + 80 / 8)
  assert.is(bytes('none', 8, true), bytes('none') / 8)
})

const setting = fc.record({
  tokens: fc.integer({ min: 1, max: 8192 }),
  microBatch: fc.integer({ min: 1, max: 8 }),
  microBatches: fc.constant(null),
  tensor: fc.integer({ min: 1, max: 16 }),
  pipeline: fc.integer({ min: 1, max: 16 }),
  data: fc.integer({ min: 1, max: 16 }),
  chunks: fc.option(fc.integer({ min: 1, max: 8 })),
  distributedOptimizer: fc.boolean(),
})

test('laws: more ranks keep less, sequence parallelism never more, recomputation less in its order', () => {
  fc.assert(
    fc.property(setting, fc.constantFrom(...RECOMPUTATIONS), (s, recompute) => {
      const of = (sequenceParallel: boolean, tensor = s.tensor) =>
        firstStageBytes(GPT3, { ...s, tensor }, { sequenceParallel, recompute })
      assert.ok(of(true) <= of(false))
      assert.ok(of(false, s.tensor + 1) <= of(false))
      const [none, selective, full] = RECOMPUTATIONS.map((r) =>
        layerBytes(GPT3, s, { sequenceParallel: false, recompute: r }),
      )
      assert.ok(full! < selective! && selective! < none!)
      assert.ok(weightAndOptimizerBytes(GPT3, { ...s, distributedOptimizer: true }) <= weightAndOptimizerBytes(GPT3, s))
    }),
  )
})

test('the paper and the file agree where both speak: an MLP of 4·h, sequence parallelism, selective recomputation', () => {
  const keeping = { sequenceParallel: true, recompute: 'selective' } as const
  fc.assert(
    fc.property(setting, (s) => {
      const once = { ...s, chunks: null }
      const ids = (8 * s.tokens * s.microBatch * s.pipeline) / s.tensor
      const paper = firstStageBytes(GPT3, once, keeping) + outerBytes(GPT3, once) + ids
      assert.ok(Math.abs(activationBytes(GPT3, once) / paper - 1) < 1e-12)
    }),
  )
})

test('1F1B: stage k of p holds p − k micro-batches, where there are so many; the interleaved one (p−1)/(p·m) more', () => {
  assert.equal(
    [0, 1, 2, 3].map((stage) => inFlight(4, 8, stage)),
    [4, 3, 2, 1],
  )
  assert.equal(
    [0, 1, 2, 3].map((stage) => inFlight(4, 2, stage)),
    [2, 2, 2, 1],
  )
  assert.is(interleavedFactor(4, 3), 1.25)
  assert.is(interleavedFactor(1, 3), 1)
})

test('the embedding is padded to rows that every rank has as many of', () => {
  assert.is(paddedVocab(50257, 8), 51200)
  assert.is(paddedVocab(32000, 1), 32000)
})

test.run()

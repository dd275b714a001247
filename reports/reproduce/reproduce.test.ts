import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CompareResult } from '../../planner/result/compare.ts'
import { trainingCode } from './code.ts'
import { settingJson } from './setting.ts'

const { input }: CompareResult = JSON.parse(
  readFileSync(new URL('../../../fixtures/golden/compare-gpu.json', import.meta.url), 'utf8'),
)

const withTraining = (change: object) => ({ ...input, training: { ...input.training, ...change } })

test('a setting’s script is the one that --emit peft writes; a cut model has none', () => {
  assert.is(trainingCode(input), null)
  const { layers: _, ...training } = input.training
  const code = trainingCode({ ...input, training })
  assert.match(code!, /"meta-llama\/Llama-2-7b-hf"/)
  assert.match(code!, /def freeze_a\(model\)/)
  assert.is(trainingCode({ ...input, training, model: { ...input.model, source: 'my.yaml' } }), null)
})

test('a comparison’s setting names its methods, and leaves to a name what it stands for', () => {
  const assumptions = [{ what: 'quantize', value: 'nf4-double', from: '--method qlora' }]
  const setting = { ...withTraining({ quantize: 'nf4-double', use_dora: false }), assumptions }
  const compared = JSON.parse(settingJson(setting, ['lora', 'qlora'], 'rtx4090'))
  assert.equal(compared.methods, ['lora', 'qlora'])
  assert.is(compared.gpu, 'rtx4090')
  for (const key of ['method', 'quantize', 'use_dora']) assert.not.ok(key in compared, key)
  assert.is(JSON.parse(settingJson(setting, null, null)).quantize, 'nf4-double')
})

test.run()

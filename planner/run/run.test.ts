import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TESTED_ENGINES } from '../execute/engines/tested.test.cases.ts'
import { Executed } from '../result/run.ts'
import { executeRun } from './index.ts'
import { familiesOn, METHODS, modelOf, settingsOf } from './settings.test.cases.ts'

for (const engine of TESTED_ENGINES) {
  for (const family of familiesOn(engine)) {
    for (const method of METHODS) {
      test(`${engine}: ${family} ${method}, five settings: measured equals predicted to the byte`, async () => {
        for (const train of settingsOf(family, method)) {
          const executed = await executeRun({ model: modelOf(family), train, engine, steps: 3, seed: 1, cutFrom: null })
          const where = JSON.stringify([train.adapter, train.batch, train.tokens, executed.environment])
          const { checks, measured } = executed
          assert.ok(checks.events_equal, `events: ${where}`)
          assert.ok(checks.audit_clean, `audit: ${where}`)
          assert.ok(checks.frozen_unchanged && checks.trainable_changed, `weights: ${where}`)
          const compared = measured.tiers.filter((t) => t.tier === 'saved' || t.tier === 'live')
          assert.is(compared.length, 13)
          for (const t of compared) assert.is(t.measured_bytes, t.predicted_bytes, `${t.tier} ${t.phase}: ${where}`)
          // TensorFlow's own allocator, where the engine has one
          const counted = measured.tiers.filter((t) => t.tier === 'framework')
          assert.is(counted.length, engine.startsWith('tfjs-node') ? 12 : 0)
          for (const t of counted) assert.is.not(t.verdict, 'differs', `${t.witness} ${t.phase}: ${where}`)
          Executed.parse(executed)
        }
      })
    }
  }

  test(`${engine}: the loss falls over 20 steps`, async () => {
    for (const method of METHODS) {
      const [train] = settingsOf('llama', method)
      const model = { ...modelOf('llama'), attentionDropout: 0 }
      const { checks } = await executeRun({ model, train: train!, engine, steps: 20, seed: 3, cutFrom: null })
      assert.ok(checks.losses[19]! < checks.losses[0]!, `${method}: ${checks.losses[0]} → ${checks.losses[19]}`)
    }
  })
}

test('cut layers: one layer more is run as well, and the increment compared', async () => {
  const [train] = settingsOf('llama', 'lora')
  const request = { model: modelOf('llama', 1), train: train!, engine: 'wasm', steps: 2, seed: 0, cutFrom: 2 } as const
  const { environment } = await executeRun(request)
  assert.match(environment['layers run'] ?? '', /^1 of 2; one more: .* a layer, measured equal$/)
})

test('the same seed gives the same losses, and the same prediction the same hash', async () => {
  const [, , train] = settingsOf('llama', 'lora-fa')
  const request = { model: modelOf('llama'), train: train!, engine: 'wasm', steps: 2, seed: 5, cutFrom: null } as const
  const [a, b] = [await executeRun(request), await executeRun(request)]
  assert.equal(a.checks.losses, b.checks.losses)
  assert.is(a.predicted_hash, b.predicted_hash)
  const other = await executeRun({ ...request, seed: 6 })
  assert.is.not(other.checks.losses[0], a.checks.losses[0])
})

test.run()

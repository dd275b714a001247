import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TESTED_ENGINES } from '../execute/engines/tested.test.cases.ts'
import { CHECKPOINTING } from '../ops/ops.ts'
import type { TrainSpec } from '../training/spec.ts'
import { executeRun } from './index.ts'
import { FAMILIES, METHODS, modelOf, settingsOf, WAYS, waysOf } from './settings.test.cases.ts'

// A step can be run in several ways that change what is kept and not what comes out: each is held to its prediction, event by event.

async function run(engine: (typeof TESTED_ENGINES)[number], family: string, train: TrainSpec) {
  const { checks, environment } = await executeRun({
    model: modelOf(family),
    train,
    engine,
    steps: 2,
    seed: 1,
    cutFrom: null,
  })
  const where = JSON.stringify([train.method, train.attention, train.padding, train.checkpointing, environment])
  assert.ok(checks.events_equal, `events: ${where}`)
  assert.ok(checks.audit_clean, `audit: ${where}`)
  assert.ok(checks.frozen_unchanged && checks.trainable_changed, `weights: ${where}`)
  return checks.losses
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

/** The engines share their kernels: one runs all families, the others those that use every kernel. */
const familiesOf = (engine: string) => (engine === TESTED_ENGINES[0] ? FAMILIES : ['gemma2', 'bart'])

const modesOf = (family: string) => CHECKPOINTING.filter((mode) => mode !== 'reentrant' || family !== 't5')

for (const engine of TESTED_ENGINES) {
  for (const [i, family] of familiesOf(engine).entries()) {
    for (const [n, way] of waysOf(family).entries()) {
      const method = METHODS[(i + n) % METHODS.length]!
      const { attention, padding } = way
      const name = `${engine}: ${family} ${method}, ${attention}${padding ? ', padded' : ''}`
      test(`${name}: as predicted under each checkpointing, in three micro-steps, and the same losses`, async () => {
        const train = { ...settingsOf(family, method)[2]!, ...way }
        const [plain, ...others] = await inTurn(modesOf(family), (checkpointing) =>
          run(engine, family, { ...train, checkpointing }),
        )
        for (const losses of others) assert.equal(losses, plain)
      })
    }
  }

  test(`${engine}: a pass of reference draws masks of its own, and the recomputation those of its forward`, async () => {
    const train = { ...settingsOf('llama', 'lora')[2]!, reference: true }
    const plain = await run(engine, 'llama', train)
    assert.equal(await run(engine, 'llama', { ...train, checkpointing: 'non-reentrant' }), plain)
  })

  test(`${engine}: without dropout attention's ways give one loss`, async () => {
    for (const family of ['llama', 'qwen3', 'phi3', 'opt']) {
      const model = { ...modelOf(family), attentionDropout: 0, dropout: 0, residualDropout: 0, layerDropout: 0 }
      const [plain, ...others] = await inTurn(
        WAYS.filter((w) => !w.padding),
        async (way) => {
          const train = { ...settingsOf(family, 'lora')[0]!, ...way, optimizer: 'sgd' as const }
          // Only probabilities were replaced, some of which this family has not.
          const request = {
            model: model as ReturnType<typeof modelOf>,
            train,
            engine,
            steps: 3,
            seed: 1,
            cutFrom: null,
          }
          return (await executeRun(request)).checks.losses
        },
      )
      for (const losses of others) {
        losses.forEach((loss, step) => {
          assert.ok(Math.abs(loss / plain![step]! - 1) < 1e-5, `${family}: ${losses} against ${plain}`)
        })
      }
    }
  })
}

test.run()

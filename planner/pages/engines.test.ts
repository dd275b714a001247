import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { planRun } from '../run/plan.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { cutsOf, type EngineRow, enginesPage, figure, fromTwoCuts, peakOfRow } from './engines.ts'

const folder = new URL('../../../fixtures/engines/', import.meta.url)
const rows: EngineRow[] = readdirSync(folder)
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))

const planOf = ({ model, training }: EngineRow, layers: number | null) => {
  const spec = specFromCatalog(model, layers === null ? {} : { layers })
  const { layers: _, ...setting } = training
  // what --json prints of a setting reads back as options
  const { train } = resolveTraining(spec, setting as TrainingOptions, { engine: 'tfjs-node' })
  return planRun(spec, train, 'tfjs-node', 2).predicted
}

test('docs/engines.md tells what was recorded', () => {
  const page = readFileSync(new URL('../../../docs/engines.md', import.meta.url), 'utf8')
  assert.is(enginesPage(page, rows), page)
})

for (const row of rows) {
  test(`${row.id}: what the ledger, TensorFlow's statistics and its log measured is what is predicted now`, () => {
    const predicted = planOf(row, row.layers)
    assert.is(figure(row, 'saved', 'forward end'), predicted.saved_bytes)
    for (const [step, label] of [
      ['first_step', 'first '],
      ['step', ''],
    ] as const) {
      for (const phase of ['forward', 'backward', 'optimizer'] as const) {
        const { peak_bytes: peak, end_bytes: end } = predicted[step][phase]
        for (const [tier, witness] of [
          ['live', null],
          ['framework', 'allocator statistics'],
          ['framework', 'allocation log'],
        ] as const) {
          assert.is(figure(row, tier, `${label}${phase} peak`, witness), peak, `${witness} ${label}${phase} peak`)
          assert.is(figure(row, tier, `${label}${phase} end`, witness), end, `${witness} ${label}${phase} end`)
        }
      }
    }
  })
}

for (const method of ['lora', 'lora-fa']) {
  test(`LLaMA-2-7B ${method}: all 32 layers are predicted to be what one and two layers measured`, () => {
    const [one, two] = cutsOf(rows, 'llama-2-7b', method)
    const whole = planOf(one, null)
    const saved = (row: EngineRow) => figure(row, 'saved', 'forward end')
    assert.is(fromTwoCuts(saved(one), saved(two), 32), whole.saved_bytes)
    assert.is(fromTwoCuts(peakOfRow(one), peakOfRow(two), 32), whole.peak.bytes)
  })
}

test.run()

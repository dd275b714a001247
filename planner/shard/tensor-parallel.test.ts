import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { differences } from '../pages/difference.ts'
import { type Recorded, settingOfRow } from '../pages/recorded.ts'
import { predict, resolveStack } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'

interface RankRow extends Recorded {
  readonly case: Recorded['case'] & { readonly tp: number }
  readonly rank: number
}

const file = new URL('../../../fixtures/pytorch-tp/steps.jsonl', import.meta.url)
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RankRow)

function predicted({ case: c, rank }: RankRow): EstimateBody {
  const stack = resolveStack('torch-2.13+transformers-5.23')
  const { model, train } = settingOfRow(c, stack.name)
  const parallelism = { gpus: c.tp, rank, tensor: c.tp, data: { kind: 'alone' } } as const
  return predict(model, { ...train, parallelism }, stack)
}

test('every figure of every rank of a tensor-parallel step, to the byte', () => {
  const off = rows.flatMap((row) => {
    const found = differences(row, predicted(row))
    return found.length > 0 ? [`${row.case.id} rank ${row.rank}: ${found.join(' · ')}`] : []
  })
  console.log(`# ${rows.length - off.length} of ${rows.length} rows exact`)
  assert.is(off.join('\n'), '')
})

test.run()

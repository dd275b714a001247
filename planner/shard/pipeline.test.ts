import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Recorded, settingOfRow } from '../pages/recorded.ts'
import { predict, resolveStack } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'

interface StageRow {
  readonly case: Recorded['case'] & { readonly pp: number; readonly tp?: number }
  readonly stage: number
  readonly step: Readonly<Record<string, number>>
  readonly base: number
  readonly peak: number
}

const file = process.argv[2] ?? new URL('../../../fixtures/pytorch-pp/steps.jsonl', import.meta.url)
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as StageRow)

function predicted({ case: c, stage }: StageRow): EstimateBody {
  const stack = resolveStack('torch-2.13+transformers-5.23')
  const { model, train } = settingOfRow(c, stack.name)
  const { pp, tp = 1 } = c
  const parallelism = {
    gpus: pp * tp,
    rank: stage * tp,
    ...(tp > 1 ? { tensor: tp } : {}),
    pipeline: { stages: pp, stage },
    data: { kind: 'alone' },
  } as const
  return predict(model, { ...train, parallelism }, stack)
}

/** What is off, of the recorded figures over the static bytes; AdamW's counters on the host, 4 bytes a tensor, are in the recorded ones. */
function differences(row: StageRow): string[] {
  const body = predicted(row)
  const scalars = (row.case.optimizer ?? 'adamw') === 'adamw' ? 4 * body.parameters.trainable_tensors : 0
  const off: string[] = []
  for (const phase of ['forward', 'backward', 'optimizer'] as const)
    for (const figure of ['peak', 'end'] as const) {
      const got = body.step[phase][`${figure}_bytes`] + scalars - row.base
      const want = row.step[`${phase}_${figure}`]!
      // AdamW makes one number of 4 bytes on its way
      const slack = phase === 'optimizer' && figure === 'peak' ? 4 : 0
      if (Math.abs(got - want) > slack) off.push(`${phase} ${figure} ${got - want} of ${want}`)
    }
  if (body.gradients_bytes !== row.step.grads) off.push(`gradients ${body.gradients_bytes - row.step.grads!}`)
  return off
}

test('every figure of every stage of a recorded pipeline, to the byte', () => {
  const off = rows.flatMap((row) => {
    const found = differences(row)
    return found.length > 0 ? [`${row.case.id} stage ${row.stage}: ${found.join(' · ')}`] : []
  })
  console.log(`# ${rows.length - off.length} of ${rows.length} rows exact`)
  assert.is(off.join('\n'), '')
})

test.run()

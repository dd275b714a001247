import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Recorded, settingOfRow } from '../pages/recorded.ts'
import { DEFAULT_STACK, predict, resolveStack } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'
import { type Pipeline, seenBy } from '../training/parallelism.ts'
import { oneForwardOneBackward } from '../training/schedule.ts'
import type { TrainSpec } from '../training/spec.ts'
import { layersOf, ofStage } from './pipeline/stage.ts'

interface StageRow {
  readonly case: Recorded['case'] & { readonly pp: number }
  readonly stage: number
  readonly step: Readonly<Record<string, number>>
  readonly base: number
}

const file = new URL('../../../fixtures/pytorch-pp/steps.jsonl', import.meta.url)
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as StageRow)
const stack = resolveStack(DEFAULT_STACK)

/** The row's setting, asked for as the command line does, as its stage sees it: with that stage's layers. */
function settingOf({ case: c, stage }: StageRow) {
  const { model, train } = settingOfRow(c, stack.name)
  return ofStage(model, { ...train, parallelism: seenBy(stage, train.parallelism!) })
}

/** What is off, of the recorded figures over the static bytes; AdamW's counters on the host, 4 bytes a tensor, are in the recorded ones. */
function differences(row: StageRow, body: EstimateBody): string[] {
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
    const { model, train } = settingOf(row)
    const found = differences(row, predict(model, train, stack))
    return found.length > 0 ? [`${row.case.id} stage ${row.stage}: ${found.join(' · ')}`] : []
  })
  console.log(`# ${rows.length - off.length} of ${rows.length} rows exact`)
  assert.is(off.join('\n'), '')
  assert.ok(rows.length >= 43)
  assert.is(new Set(rows.map((r) => r.case.model.model_type)).size, 4)
})

/** Rows that a changed rule does not leave as they were, of those that it is about. */
function caught(of: readonly StageRow[], change: (p: Pipeline, t: TrainSpec) => Partial<TrainSpec>): string {
  const missed = of.filter((row) => {
    const { model, train } = settingOf(row)
    const changed = { ...train, ...change(train.parallelism!.pipeline!, train) }
    return differences(row, predict(model, changed, stack)).length === 0
  })
  assert.ok(of.length >= 10)
  return missed.map((r) => `${r.case.id} ${r.stage}`).join(', ')
}

test('a changed rule is caught: all forwards before the first backward, as GPipe has it', () => {
  // with more stages behind it a stage begins with more micro-batches; the last has none behind
  const warm = rows.filter(({ stage, case: { pp, accumulation } }) => stage < pp - 1 && accumulation! > pp - stage)
  const gpipe = (pipeline: Pipeline, { accumulation, parallelism }: TrainSpec) => ({
    parallelism: { ...parallelism!, pipeline: { ...pipeline, stages: pipeline.stage + accumulation } },
  })
  assert.is(caught(warm, gpipe), '')
})

test('a changed rule is caught: a micro-batch less to receive into', () => {
  const all = rows.filter((r) => r.case.accumulation! > 1)
  assert.is(
    caught(all, (_, { accumulation }) => ({ accumulation: accumulation - 1 })),
    '',
  )
})

test('a changed rule is caught: the layers of another stage', () => {
  const uneven = rows.filter(({ case: c }) => Number(c.model.num_hidden_layers) % c.pp !== 0)
  const missed = uneven.filter((row) => {
    const { model, train } = settingOf(row)
    if (!('layers' in model)) return true
    return differences(row, predict({ ...model, layers: model.layers + 1 }, train, stack)).length === 0
  })
  assert.ok(uneven.length >= 20)
  assert.is(missed.length, 0)
})

test('1F1B: each micro-batch forward before backward, in order, and never more under way than stages from here on', () => {
  const setting = fc.integer({ min: 1, max: 12 }).chain((stages) =>
    fc.record({
      stages: fc.constant(stages),
      stage: fc.integer({ min: 0, max: stages - 1 }),
      microBatches: fc.integer({ min: stages, max: 40 }),
    }),
  )
  fc.assert(
    fc.property(setting, ({ stages, stage, microBatches }) => {
      const turns = oneForwardOneBackward(stages, stage, microBatches)
      const order = Array.from({ length: microBatches }, (_, i) => i)
      for (const what of ['forward', 'backward'] as const)
        assert.equal(
          turns.filter((t) => t.do === what).map((t) => t.microBatch),
          order,
        )
      let [under, most] = [0, 0]
      for (const turn of turns) {
        under += turn.do === 'forward' ? 1 : -1
        most = Math.max(most, under)
        assert.ok(under >= 0)
      }
      assert.is(most, stages - stage)
    }),
  )
})

test('stages have all layers between them, the last what is left over', () => {
  const setting = fc
    .integer({ min: 1, max: 16 })
    .chain((stages) => fc.record({ stages: fc.constant(stages), layers: fc.integer({ min: stages, max: 130 }) }))
  fc.assert(
    fc.property(setting, ({ stages, layers }) => {
      const each = Array.from({ length: stages }, (_, stage) => layersOf(layers, stages, stage))
      assert.is(each[0]![0], 0)
      assert.is(each.at(-1)![1], layers)
      for (const [i, [from, to]] of each.entries()) {
        assert.ok(to > from)
        if (i > 0) assert.is(from, each[i - 1]![1])
        if (i < stages - 1) assert.is(to - from, Math.floor(layers / stages))
      }
    }),
  )
})

test.run()

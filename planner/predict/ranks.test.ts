import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { type Recorded, settingOfRow } from '../pages/recorded.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { bodyOf, DEFAULT_STACK, predict, resolveStack, simulate, worstRank } from './index.ts'
import { peakOf } from './peak.ts'
import { recordedOrder, type Stream, simulatedOrder, streamsIn } from './streams.test.cases.ts'

const folder = new URL('../../../fixtures/pytorch-fsdp/', import.meta.url)
const stack = resolveStack(DEFAULT_STACK)
const linesOf = (file: string): string[] => readFileSync(new URL(file, folder), 'utf8').trim().split('\n')
const rows: Recorded[] = readdirSync(folder)
  .filter((f) => f.endsWith('.jsonl'))
  .sort()
  .flatMap(linesOf)
  .map((line) => JSON.parse(line))

const PHASES = ['forward', 'backward', 'optimizer'] as const
/** A number that an optimizer makes on its way. */
const CRUMBS = 4

/**
 * What a row counts that is no device's: AdamW's step of each tensor and, where DDP looks for unused parameters, the copy of its map that
 * stays on the host. Bytes.
 */
function onHost({ case: c }: Recorded, train: TrainSpec, tensors: number, stepped: boolean): number {
  const { data } = train.parallelism!
  // an offloaded row counts nothing of the host's
  if (data.kind === 'fsdp' && data.offload) return 0
  const steps = stepped && (c.optimizer ?? 'adamw') === 'adamw' ? 4 * tensors : 0
  return steps + (data.kind === 'ddp' && data.findUnused ? 4 * tensors : 0)
}

function differences(row: Recorded): string[] {
  const { model, train } = settingOfRow(row.case, stack.name)
  const body = predict(model, train, stack)
  const tensors = body.parameters.trainable_tensors
  const off: string[] = []
  for (const [label, recorded, step] of [
    ['first', row.first_step, body.first_step],
    ['steady', row.step, body.step],
  ] as const) {
    for (const phase of PHASES) {
      for (const figure of ['peak', 'end'] as const) {
        const host = onHost(row, train, tensors, label === 'steady' || phase === 'optimizer')
        const isPeak = phase === 'optimizer' && figure === 'peak'
        // the scalars come one by one while the first step's moments are made
        const slack = isPeak ? CRUMBS + 4 * tensors : 0
        const [got, want] = [step[phase][`${figure}_bytes`] + host, recorded[`${phase}_${figure}`]! + row.base]
        if (Math.abs(got - want) > slack) off.push(`${label} ${phase} ${figure} ${got - want} of ${want}`)
      }
    }
  }
  const { step } = row
  const state = body.optimizer_state_bytes + onHost({ ...row }, { ...train }, tensors, true)
  const { data } = train.parallelism!
  if (data.kind === 'fsdp' && !data.offload) {
    if (body.gradients_bytes !== step.grads) off.push(`gradients ${body.gradients_bytes - step.grads!}`)
    if (state !== step.state) off.push(`state ${state - step.state!}`)
  }
  return off
}

test('every phase of every recorded rank, to the byte', () => {
  const off = rows.flatMap((row) => {
    const found = differences(row)
    return found.length > 0 ? [`${row.case.id}: ${found.join(' · ')}`] : []
  })
  console.log(`# ${rows.length - off.length} of ${rows.length} ranks exact`)
  assert.is(off.join('\n'), '')
  assert.ok(rows.length >= 75)
})

const streams = streamsIn(new URL('events/', folder))

function simulated({ case: c }: Stream['row'], change: (train: TrainSpec) => TrainSpec = (t) => t): string[] {
  const { model, train } = settingOfRow(c, stack.name)
  return simulatedOrder(simulate(model, change(train), stack.dialect, { steps: 2, library: stack.library }).events)
}

for (const { row, lines } of streams) {
  test(`${row.case.id}: each allocation and release of a rank's steady step, in PyTorch's order`, () => {
    const [got, want] = [simulated(row), recordedOrder(lines)]
    const at = want.findIndex((w, i) => w !== got[i])
    if (at >= 0) assert.equal(got.slice(at - 3, at + 6), want.slice(at - 3, at + 6), `event ${at} of ${want.length}`)
    assert.is(got.length, want.length)
  })
}

test('another strategy, wrap, precision or number of ranks is told apart from what was recorded', () => {
  const sharded = streams.filter(({ row }) => row.case.parallel?.kind === 'fsdp')
  assert.ok(sharded.length >= 4)
  const other =
    (of: Partial<{ reshard: boolean; wrap: 'layers' | 'none'; precision: 'bfloat16' | null }>) =>
    (t: TrainSpec): TrainSpec => {
      const { parallelism } = t
      if (parallelism?.data.kind !== 'fsdp') throw new Error('a row of FSDP')
      const data = { ...parallelism.data, ...of }
      return { ...t, parallelism: { ...parallelism, data } }
    }
  for (const { row, lines } of sharded) {
    const { reshard = true, wrap = 'layers', mixed } = row.case.parallel!
    const want = recordedOrder(lines).join()
    for (const change of [
      other({ reshard: !reshard }),
      other({ wrap: wrap === 'none' ? 'layers' : 'none' }),
      other({ precision: mixed ? null : 'bfloat16' }),
      (t: TrainSpec): TrainSpec => ({ ...t, parallelism: { ...t.parallelism!, gpus: t.parallelism!.gpus * 2 } }),
    ])
      assert.not.equal(simulated(row, change).join(), want, row.case.id)
  }
})

test('a rank of many layers follows from a few: all figures are those of the whole simulation', () => {
  const model = specFromCatalog('smollm2-135m')
  for (const options of [
    { fsdp: 'full_shard' },
    { fsdp: 'shard_grad_op', autocast: 'bfloat16', gradient_accumulation: 3 },
    { fsdp: 'full_shard', fsdp_wrap: 'none', method: 'full' },
    { fsdp: 'hybrid_shard', gpus_per_node: 2, gradient_checkpointing: 'non-reentrant' },
    {},
    { ddp_bucket_views: true, method: 'full' },
  ] as const) {
    const { train } = resolveTraining(model, { gpus: 4, seq_len: 32, ...options }, { stack: stack.name })
    const { network, events } = simulate(model, train, stack.dialect, { library: stack.library })
    assert.equal(predict(model, train, stack), bodyOf(network, events, stack.allocator), JSON.stringify(options))
  }
})

test('the rank that is shown is the one that holds most of all, the other one the least', () => {
  const model = specFromCatalog('smollm2-135m')
  for (const options of [
    { zero: 2, method: 'full' },
    { zero: 1, method: 'full', dtype: 'bfloat16' },
    { fsdp: 'full_shard', method: 'full' },
  ] as const) {
    const { train } = resolveTraining(model, { gpus: 3, seq_len: 32, ...options }, { stack: stack.name })
    const peaks = [0, 1, 2].map(
      (rank) => peakOf(model, { ...train, parallelism: { ...train.parallelism!, rank } }, stack).bytes,
    )
    const { train: worst, ranks } = worstRank(model, train, stack)
    assert.is(peakOf(model, worst, stack).bytes, Math.max(...peaks))
    assert.is(worst.parallelism!.rank, ranks!.worst)
    assert.is(peaks[ranks!.least.rank], Math.min(...peaks))
    assert.is(ranks!.least.peak_bytes, Math.min(...peaks))
  }
  const { train } = resolveTraining(model, { gpus: 3, seq_len: 32, zero: 2, method: 'full' }, { stack: stack.name })
  const { ranks } = worstRank(model, train, stack)
  assert.ok(ranks!.least.peak_bytes < predict(model, worstRank(model, train, stack).train, stack).peak.bytes)
})

test('an embedding that is gathered before the first layer is taken for no layer', () => {
  // of one type, so that both are gathered into one buffer of parameters
  const options = { method: 'lora', gpus: 2, fsdp: 'full_shard', dtype: 'bfloat16', adapter_dtype: 'base' } as const
  const model = specFromCatalog('llama-2-7b', { layers: 12 })
  const { train } = resolveTraining(model, { ...options, seq_len: 1304, batch_size: 2 }, { stack: stack.name })
  const { network, events } = simulate(model, train, stack.dialect, { library: stack.library })
  assert.equal(predict(model, train, stack), bodyOf(network, events, stack.allocator))
})

test.run()

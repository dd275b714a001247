import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findDevices } from '../devices/index.ts'
import { type Published, predictedForPublished, stackOfPublished } from '../pages/published.ts'

// Mistral-7B on an A100, as others measured it: what torch had allocated at most, against the tier of allocated bytes, each row on the
// stack of its own transformers and PEFT. docs/accuracy.md lists every row.

const file = new URL('../../../fixtures/published/fms-acceleration-mistral-7b.json', import.meta.url)
const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { readonly rows: readonly Published[] }

const predicted = new Map(rows.map((row) => [row, predictedForPublished(row)]))
const allocated = (row: Published): number => predicted.get(row)!.tiers.allocated!.bytes

const of = (config: string, method: Published['method'], transformers = '4.48.1') =>
  rows.filter((r) => r.framework_config === config && r.method === method && r.stack.transformers === transformers)

function within(row: Published, share: number): void {
  const error = allocated(row) / row.measured_bytes - 1
  const name = `${row.framework_config} ${row.method} ${row.batch} × ${row.seq} ${row.stack.transformers}`
  assert.ok(Math.abs(error) <= share, `${name}: off by ${(100 * error).toFixed(4)} %`)
}

test('allocated bytes of every row, kernels stock or fused, logits whole or not: within 0.01 %', () => {
  assert.is(rows.length, 33)
  for (const row of rows) within(row, 0.0001)
})

test('a row predicted for the other version is off where that version makes a difference', () => {
  const row = of('foak-fast-kernels', 'lora', '4.45.2')[0]!
  const other = predictedForPublished({ ...row, stack: { transformers: '4.48.1' } })
  assert.ok(other.tiers.allocated!.bytes / row.measured_bytes > 1.04)
})

test("foak's norms do not train, whose gradient their kernel does not make: no gradient, no moments", () => {
  const [stock, fused] = [of('none', 'full')[0]!, of('foak-fast-kernels', 'full')[0]!]
  const norms = 65 * 4096 * 2
  const state = (row: Published): number => predicted.get(row)!.optimizer_state_bytes
  assert.is(stock.steady_bytes - fused.steady_bytes, 2 * norms)
  assert.is(state(stock) - state(fused), 2 * norms)
})

test('on transformers 4.45 whole logits or none, LoRA reaches the same peak, after them', () => {
  const whole = of('foak-fast-kernels', 'lora', '4.45.2')
  assert.is(whole.length, 3)
  for (const row of whole) {
    const liger = of('foak-fast-kernels-liger', 'lora', '4.45.2').find((r) => r.batch === row.batch)!
    assert.is(row.measured_bytes, liger.measured_bytes)
    assert.is(allocated(row), allocated(liger))
  }
})

test('bytes a token: the slope over the batch within 0.05 %, wherever the batch sets the peak', () => {
  let compared = 0
  for (const transformers of ['4.45.2', '4.48.1'])
    for (const config of new Set(rows.map((r) => r.framework_config)))
      for (const method of ['lora', 'qlora'] as const) {
        const series = of(config, method, transformers)
        for (const [i, many] of series.entries()) {
          const few = series[i - 1]
          if (!few) continue
          const tokens = many.batch * many.seq - few.batch * few.seq
          const measured = (many.measured_bytes - few.measured_bytes) / tokens
          const slope = (allocated(many) - allocated(few)) / tokens
          const name = `${config} ${method} ${few.batch} to ${many.batch}`
          assert.ok(Math.abs(slope / measured - 1) <= 0.0005, `${name}: ${slope} against ${measured} bytes a token`)
          compared++
        }
      }
  assert.is(compared, 15)
})

test('what stays when training has ended: weights, optimizer state, the last batch and two workspaces', () => {
  const adapted = rows.filter((r) => r.method !== 'full')
  assert.is(adapted.length, 24)
  for (const row of adapted) {
    const { static: s, optimizer_state_bytes, tiers } = predicted.get(row)!
    const kept = s.parameters_bytes + s.quantization_bytes + s.buffers_bytes + optimizer_state_bytes
    // input_ids, labels and attention_mask: the collator's mask of ones is a tensor too
    const batch = 3 * 8 * row.batch * row.seq
    const steady = kept + batch + tiers.allocated!.workspaces_bytes
    assert.ok(Math.abs(steady - row.steady_bytes) < 2 ** 17, `${steady - row.steady_bytes} bytes`)
  }
})

test('a workspace is 32 MiB on Hopper and later', () => {
  const { tiers } = predicted.get(rows.find((r) => r.method === 'lora')!)!
  assert.is(tiers.allocated!.workspaces_bytes, 2 * 8_519_680)
  const { allocator } = stackOfPublished(rows[0]!)
  assert.is(allocator.workspaces(findDevices('h100')[0]!).bytes, 2 * 32 * 2 ** 20)
  assert.is(allocator.workspaces(null).bytes, 2 * 8_519_680)
})

test.run()

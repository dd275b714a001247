import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CompareResult } from '../planner/result/compare.ts'
import type { RunResult } from '../planner/result/run.ts'
import { formatBytes } from '../planner/trace/bytes.ts'
import { type ReportResult, renderHtml, viewOf } from './index.ts'

const golden = <T extends ReportResult>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../fixtures/golden/${name}.json`, import.meta.url), 'utf8'))

test('the answer names the focus method’s peak and, with a GPU, who fits', () => {
  const result = golden<CompareResult>('compare-gpu')
  const { answer } = viewOf(result)
  const text = [answer.lead, ...answer.more].join(' ')
  for (const { estimate } of result.result.methods) {
    assert.ok(text.includes(formatBytes(Math.abs(estimate.fit!.margin_bytes))))
    assert.ok(text.includes(formatBytes(estimate.peak.bytes)))
  }
  for (const { estimate } of result.result.methods) estimate.fit!.gpu = 'RTX 4090'
  assert.match(viewOf(result).answer.lead, /^On RTX 4090, [\d.]+ GiB/)
  for (const { estimate } of result.result.methods) estimate.fit!.gpu = '4GiB'
  assert.match(viewOf(result).answer.lead, /^In [\d.]+ GiB/)
})

test('a verdict that rests on live tensors says so, one that rests on the process does not', () => {
  const result = golden<CompareResult>('compare-gpu')
  assert.match(viewOf(result).answer.lead, /counting live tensors/)
  for (const { estimate } of result.result.methods) {
    const bytes = estimate.peak.bytes + 10 ** 9
    estimate.tiers.process = { bytes, low: bytes, high: bytes, basis: 'test' }
  }
  assert.not.match(viewOf(result).answer.lead, /live tensors/)
})

test('a run is proved only by equal bytes of a step that passed its checks', () => {
  const result = golden<RunResult>('run')
  const executed = result.result.executed
  const count = executed.measured.tiers.filter((t) => t.predicted_bytes === t.measured_bytes).length
  assert.is(viewOf(result).proofs[0]!.equal, count)

  executed.measured.tiers[0]!.measured_bytes += 1
  assert.is(viewOf(result).proofs[0]!.equal, count - 1, 'a verdict that says equal over unequal bytes')
  executed.measured.tiers[0]!.measured_bytes -= 1

  executed.checks.frozen_unchanged = false
  assert.is(viewOf(result).proofs[0]!.equal, 0, 'a wrong step')
  assert.match(viewOf(result).answer.more.join(' '), /prove nothing/)
})

test('no page shows a tick for a figure that differs', async () => {
  const result = golden<RunResult>('run')
  for (const row of result.result.executed.measured.tiers) {
    row.measured_bytes += 4096
    row.verdict = row.predicted_bytes === null ? 'unattributed' : 'differs'
  }
  const page = await renderHtml([result])
  assert.not.match(page, /✓ equal/)
  assert.match(page, /✗ differs/)
  assert.match(page, /\+4\.0 KiB/)
})

test('LoRA-FA against LoRA comes first, and what is dropped is what the result says', () => {
  const result = golden<CompareResult>('compare')
  const [first] = viewOf(result).savings
  assert.is(`${first!.of} ${first!.against}`, 'LoRA-FA LoRA')
  const saving = result.result.savings.find((s) => s.of === 'lora-fa' && s.against === 'lora')!
  assert.is(
    first!.dropped,
    saving.because.reduce((sum, b) => sum + b.bytes * b.count, 0),
  )
  assert.is(first!.peak.before - first!.peak.after, saving.peak_bytes)
  assert.match(first!.reason, /A is frozen/)
})

test('the bars of an estimate carry no measurement; those of a run do', () => {
  assert.ok(viewOf(golden('compare')).bars.rows.every((r) => r.measured === null))
  assert.ok(viewOf(golden('compare')).proofBars!.rows.every((r) => r.measured !== null))
  assert.ok(viewOf(golden('run')).bars.rows.every((r) => r.measured !== null))
  assert.is(viewOf(golden('run')).proofBars, null)
})

test('results with nothing to draw are drawn', async () => {
  const result = golden<CompareResult>('compare')
  for (const { estimate } of result.result.methods) {
    Object.assign(estimate, { timeline: [], saved: [] })
    Object.assign(estimate.peak, { parts: {}, alive: [], bytes: 0 })
  }
  result.result.savings = []
  assert.match(await renderHtml([result]), /<\/html>/)
  result.result.methods = []
  assert.throws(() => viewOf(result), /without methods/)
})

test.run()

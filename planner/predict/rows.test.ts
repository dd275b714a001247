import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { differences, predictedFor } from '../pages/difference.ts'
import type { Recorded } from '../pages/recorded.ts'
import { foldScope } from '../trace/scope.ts'

const folder = new URL('../../../fixtures/pytorch/', import.meta.url)
const rows: Recorded[] = readdirSync(folder)
  .filter((f) => f.endsWith('.jsonl'))
  .sort()
  .flatMap((f) => readFileSync(new URL(f, folder), 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line))

test('every figure of every recorded step, to the byte', () => {
  const outcome = { exact: 0, unknown: 0, off: [] as string[] }
  for (const row of rows) {
    const body = predictedFor(row)
    const off = body ? differences(row, body) : []
    if (!body) outcome.unknown++
    else if (off.length === 0) outcome.exact++
    else outcome.off.push(`${row.case.id}: ${off.join(' · ')}`)
  }
  console.log(`# ${outcome.exact} of ${rows.length} rows exact, ${outcome.unknown} of families that are refused`)
  assert.is(outcome.off.join('\n'), '')
  assert.ok(outcome.exact >= 1130)
})

test('each row of a selective checkpoint tells it from one of every layer that keeps nothing', () => {
  const selective = rows.filter(({ case: c }) => c.checkpoint_every || c.checkpoint_keep)
  assert.ok(selective.length >= 34)
  for (const row of selective) {
    const { checkpoint_every: _, checkpoint_keep: __, ...whole } = row.case
    const body = predictedFor({ ...row, case: whole })
    assert.ok(differences(row, body!).length > 0, row.case.id)
  }
})

test('each recorded table adds up to what its row says is saved', () => {
  for (const { case: c, saved, saved_bytes } of rows)
    assert.is(
      saved.reduce((n, s) => n + s.bytes * s.count, 0),
      saved_bytes,
      c.id,
    )
})

test('the table of saved tensors, module by module', () => {
  let compared = 0
  for (const row of rows) {
    const { case: c } = row
    if ((c.checkpointing ?? 'none') !== 'none' || c.quantize || c.fused_kernels) continue
    const body = predictedFor(row)
    if (!body) continue
    const sums = (list: readonly { where: string; bytes: number; count: number; dtype: string }[]) => {
      const by = new Map<string, number>()
      for (const s of list) {
        const key = `${s.where} ${s.dtype} ${s.bytes}`
        by.set(key, (by.get(key) ?? 0) + s.count)
      }
      return [...by].map(([k, n]) => `${n} × ${k}`).sort()
    }
    const place = (where: string) => (where === 'base_model.model' || where === 'base_model' ? '' : foldScope(where))
    const want = sums(row.saved.map((s) => ({ ...s, where: place(s.where) })))
    const got = sums(body.saved.map((s) => ({ ...s, where: s.scope })))
    assert.equal(got, want, c.id)
    compared++
  }
  assert.ok(compared >= 140)
})

test.run()

import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bestRows, rowsOf } from '../study/summary.ts'
import { accuracyPage } from './accuracy.ts'
import { allocatorsPage } from './allocators.ts'
import { paperPage } from './paper.ts'
import type { Recorded } from './recorded.ts'
import { readStudy, studyPage, studyParts } from './study.ts'

const page = (name: string): string => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')

test('docs/paper.md says what is computed now', () => {
  assert.is(paperPage(), page('paper'))
})

test('docs/allocators.md lists every term there is', () => {
  assert.is(allocatorsPage(), page('allocators'))
})

test('docs/accuracy.md counts the rows that are there now', () => {
  const folder = new URL('../../../fixtures/pytorch/', import.meta.url)
  const rows: Recorded[] = readdirSync(folder)
    .filter((f) => f.endsWith('.jsonl'))
    .sort()
    .flatMap((f) => readFileSync(new URL(f, folder), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line))
  const file = new URL('../../../fixtures/published/fms-acceleration-mistral-7b.json', import.meta.url)
  assert.is(accuracyPage(rows, JSON.parse(readFileSync(file, 'utf8')).rows), page('accuracy'))
})

test('docs/study.md says what the recorded studies say', () => {
  const read = (name: string): string =>
    readFileSync(new URL(`../../../fixtures/study/${name}.jsonl`, import.meta.url), 'utf8')
  assert.is(studyPage(page('study'), studyParts(read)), page('study'))
  const other = (name: string): string => read(name).replace('"validation":{"loss":2', '"validation":{"loss":3')
  assert.is.not(studyPage(page('study'), studyParts(other)), page('study'))
})

test('what docs/study.md says in words is what its recordings say', () => {
  const recorded = (name: string) =>
    readStudy(readFileSync(new URL(`../../../fixtures/study/${name}.jsonl`, import.meta.url), 'utf8')).runs
  const bestOf = (name: string) => bestRows(rowsOf(recorded(name)))
  const of = (name: string, method: string) => bestOf(name).find((r) => r.method === method)!
  const behind = (name: string) => of(name, 'lora-fa').validation_loss - of(name, 'lora').validation_loss
  assert.is(behind('encoder').toFixed(2), '0.07')
  assert.is(behind('encoder-rates').toFixed(2), '0.06')
  const right = ['lora-fa', 'lora', 'full'].map((m) => Math.round(100 * of('encoder', m).accuracy!))
  assert.equal(right, [64, 65, 73])
  const at = (method: string, rate: number) =>
    rowsOf(recorded('sweep')).find((r) => r.method === method && r.rank === 8 && r.learning_rate === rate)!
  assert.ok(at('lora-fa', 0.01).validation_loss > at('lora', 0.01).validation_loss)
  assert.ok(at('lora-fa', 0.03).validation_loss < at('lora', 0.03).validation_loss)
  const runs = ['decoder', 'encoder', 'encoder-decoder'].flatMap(recorded)
  assert.is(runs.length, 36)
  for (const run of runs) assert.is(run.peak_bytes, run.predicted_peak_bytes)
})

test.run()

import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { accuracyPage } from './accuracy.ts'
import { allocatorsPage } from './allocators.ts'
import { paperPage } from './paper.ts'
import type { Recorded } from './recorded.ts'
import { studyPage, studyParts } from './study.ts'

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

test.run()

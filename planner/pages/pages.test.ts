import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { paperPage } from './paper.ts'

const page = (name: string): string => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')

test('docs/paper.md says what is computed now', () => {
  assert.is(paperPage(), page('paper'))
})

test.run()

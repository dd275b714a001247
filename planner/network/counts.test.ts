import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { catalogEntry, listModels, specFromCatalog } from '../../models/index.ts'
import { numel } from '../trace/axes.ts'
import { resolveTraining } from '../training/resolve.ts'
import { networkOf } from './index.ts'

function countOf(name: string): number {
  const model = specFromCatalog(name)
  const { train } = resolveTraining(model, { method: 'full', seq_len: 8, attention: 'eager' }, { engine: 'wasm' })
  return networkOf(model, train).parameters.reduce((n, p) => n + numel(p.axes), 0)
}

for (const name of listModels()) {
  test(`${name} has as many parameters as the stack builds`, () => {
    const entry = catalogEntry(name)!
    assert.is(countOf(name), entry.stackParameters ?? entry.parameters)
  })
}

test('counts that everybody knows', () => {
  assert.is(countOf('llama-2-7b'), 6_738_415_616)
  assert.is(countOf('t5-base'), 222_903_552)
  assert.is(catalogEntry('flan-t5-base')?.parameters, 247_577_856)
  assert.is(countOf('flan-t5-base'), 247_577_856 - 32_128 * 768)
})

test.run()

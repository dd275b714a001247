import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { changesIn, hashWith } from './hash.ts'
import type { Control } from './whatif.ts'

const control = (key: string, value: string): Control => ({ key, label: key, kind: 'text', choices: [], value })
const CONTROLS = [control('batch_size', '1'), control('target_modules', 'all-linear'), control('gpu', '')]

test('changes go into an address and come back', () => {
  const changes = { batch_size: '4', target_modules: 'q_proj,v_proj', gpu: '80 GiB & more=' }
  const hash = hashWith('', CONTROLS, changes)
  assert.match(hash, /^#batch_size=4&target_modules=q_proj,v_proj&gpu=/)
  assert.equal(changesIn(hash, CONTROLS), changes)
  assert.is(hashWith(hash, CONTROLS, {}), '')
})

test('results of one page keep to their own prefix', () => {
  const first = hashWith('#warnings', CONTROLS, { batch_size: '2' })
  const both = hashWith(first, CONTROLS, { batch_size: '8' }, 'r1-')
  assert.is(both, '#batch_size=2&r1-batch_size=8')
  assert.equal(changesIn(both, CONTROLS, 'r1-'), { batch_size: '8' })
  assert.is(hashWith(both, CONTROLS, {}), '#r1-batch_size=8')
})

test('what names no control, or changes nothing, is no change', () => {
  assert.equal(changesIn('#warnings', CONTROLS), {})
  assert.equal(changesIn('#batch_size=1&rank=4&__proto__=x', CONTROLS), {})
})

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Refusal } from '../../trace/errors.ts'
import { DEFAULT_CONFIG } from './config.ts'
import { parseAllocatorConfig } from './parse.ts'

const MIB = 2 ** 20

test('nothing changes nothing', () => {
  assert.equal(parseAllocatorConfig(''), DEFAULT_CONFIG)
  assert.equal(parseAllocatorConfig('pinned_num_register_threads:8, backend:native'), DEFAULT_CONFIG)
})

test("options as PyTorch's documentation writes them", () => {
  const c = parseAllocatorConfig('max_split_size_mb:128, garbage_collection_threshold:0.8,expandable_segments:True')
  assert.is(c.maxSplitSize, 128 * MIB)
  assert.is(c.garbageCollectionThreshold, 0.8)
  assert.ok(c.expandableSegments)
  const d = parseAllocatorConfig('roundup_power2_divisions:[256:1,512:2,1024:4,>:8]').roundupDivisions
  assert.equal(
    d,
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 8, 8, 8, 8].map((n, i) => (i === 10 ? 8 : n)),
  )
  assert.is(parseAllocatorConfig('roundup_power2_divisions:4').roundupDivisions[15], 4)
})

const refused: readonly (readonly [text: string, message: RegExp])[] = [
  ['max_split_size:128', /"max_split_size" is no option/],
  ['max_split_size_mb:5', /max_split_size_mb is "5"; expected a whole number of at least 20/],
  ['max_split_size_mb', /is left empty/],
  ['expandable_segments:true', /expected True or False/],
  ['garbage_collection_threshold:1', /between 0 and 1/],
  ['roundup_power2_divisions:3', /power of two/],
  ['roundup_power2_divisions:[256:1', /power of two/],
  ['roundup_power2_divisions:[3:1]', /power of two/],
  ['backend:cudaMallocAsync', /native: other values are not modelled/],
  ['expandable_segments:True,,max_split_size_mb:64', /empty option/],
  ['constructor:1', /"constructor" is no option/],
]

test('what PyTorch would not read, or what is not modelled, is refused with what was expected', () => {
  for (const [text, message] of refused) {
    try {
      parseAllocatorConfig(text)
      assert.unreachable(text)
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
      assert.is(error.where, '--alloc-conf')
      assert.match(error.message, message)
      assert.ok(error.next.length > 0)
    }
  }
})

test.run()

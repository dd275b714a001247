import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CachingAllocator } from './allocator.ts'
import type { Block } from './block.ts'
import { type AllocatorConfig, DEFAULT_CONFIG } from './config.ts'
import { roundSize } from './rounding.ts'

const MIB = 2 ** 20
const CAPACITY = 512 * MIB

const configs: readonly AllocatorConfig[] = [
  DEFAULT_CONFIG,
  { ...DEFAULT_CONFIG, expandableSegments: true },
  { ...DEFAULT_CONFIG, maxSplitSize: 32 * MIB },
  { ...DEFAULT_CONFIG, roundupDivisions: [4] },
  { ...DEFAULT_CONFIG, garbageCollectionThreshold: 0.5, memoryFraction: 0.6 },
]

const size = fc.oneof(
  fc.integer({ min: 1, max: 4096 }),
  fc.integer({ min: 4096, max: 2 * MIB }),
  fc.integer({ min: 2 * MIB, max: 64 * MIB }),
)
/** Bytes to ask for, or which of the living to free. */
const program = fc.array(
  fc.oneof({ arbitrary: size, weight: 3 }, { arbitrary: fc.double({ min: 0, max: 0.999, noNaN: true }), weight: 2 }),
)

/** Runs a program and calls `check` after each operation. */
function run(
  config: AllocatorConfig,
  ops: readonly number[],
  check: (a: CachingAllocator, live: Block[]) => void,
): CachingAllocator {
  const allocator = new CachingAllocator(CAPACITY, config)
  const live: Block[] = []
  for (const op of ops) {
    if (op >= 1) {
      const block = allocator.alloc(op)
      if (block) live.push(block)
    } else if (live.length > 0) allocator.free(live.splice(Math.floor(op * live.length), 1)[0]!)
    check(allocator, live)
  }
  for (const block of live) allocator.free(block)
  return allocator
}

const holds = (check: (a: CachingAllocator, live: Block[]) => void, after: (a: CachingAllocator) => void = () => {}) =>
  fc.assert(
    fc.property(fc.constantFrom(...configs), program, (config, ops) => after(run(config, ops, check))),
    { numRuns: 300 },
  )

test('no two blocks overlap', () => {
  holds((_, live) => {
    const sorted = [...live].sort((a, b) => a.address - b.address)
    for (const [i, b] of sorted.entries())
      assert.ok(i === 0 || sorted[i - 1]!.address + sorted[i - 1]!.size <= b.address)
  })
})

test('nothing is lost: blocks in use and cached are what is reserved, neighbours touch, reserved is what the device gave', () => {
  holds((a, live) => {
    const s = a.statistics
    const cached = [...a.small.blocks, ...a.large.blocks]
    const bytes = [...live, ...cached].reduce((n, b) => n + b.size, 0)
    assert.is(bytes, s.reserved_bytes.all.current)
    assert.is(a.memory.used, s.reserved_bytes.all.current)
    for (const b of [...live, ...cached]) if (b.next) assert.is(b.address + b.size, b.next.address)
  })
})

test('reserved ≥ allocated = active ≥ requested, small and large are all, and peaks are no less than what is now', () => {
  holds(({ statistics: s }) => {
    assert.ok(s.reserved_bytes.all.current >= s.allocated_bytes.all.current)
    assert.is(s.entries()['active_bytes.all.current'], s.allocated_bytes.all.current)
    assert.ok(s.allocated_bytes.all.current >= s.requested_bytes.all.current)
    for (const stat of [s.reserved_bytes, s.allocated_bytes, s.inactive_split_bytes]) {
      assert.is(stat.small.current + stat.large.current, stat.all.current)
      assert.ok(stat.all.peak >= stat.all.current && stat.all.current >= 0)
    }
  })
})

test('when all is freed and the cache emptied the device has everything back', () => {
  holds(
    () => {},
    (a) => {
      a.emptyCache()
      assert.is(a.memory.used, 0)
      assert.is(a.statistics.reserved_bytes.all.current, 0)
      assert.is(a.small.blocks.length + a.large.blocks.length + a.small.unmapped.length + a.large.unmapped.length, 0)
    },
  )
})

test('a block is large enough, a multiple of 512 bytes, and rounding is monotone', () => {
  fc.assert(
    fc.property(fc.constantFrom(...configs), size, size, (config, a, b) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)]
      assert.ok(roundSize(small, config) >= small && roundSize(small, config) <= roundSize(large, config))
      assert.is(roundSize(small, config) % 512, 0)
    }),
  )
})

test('what does not fit is refused and counted, and leaves everything as it was', () => {
  const a = new CachingAllocator(64 * MIB)
  const kept = a.alloc(30 * MIB)!
  const cached = a.alloc(20 * MIB)!
  a.free(cached)
  assert.is(a.alloc(40 * MIB), null)
  assert.is(a.statistics.num_ooms, 1)
  assert.is(a.statistics.num_alloc_retries, 1)
  // what was cached was given back before it gave up
  assert.is(a.statistics.reserved_bytes.all.current, kept.size)
  assert.ok(a.alloc(34 * MIB))
})

test("statistics carry PyTorch's names", () => {
  const a = new CachingAllocator(CAPACITY)
  const block = a.alloc(1000)!
  a.free(block)
  const entries = a.statistics.entries()
  assert.is(entries['allocated_bytes.all.peak'], 1024)
  assert.is(entries['reserved_bytes.small_pool.current'], 2 * MIB)
  assert.is(entries['requested_bytes.all.peak'], 1000)
  assert.is(entries['inactive_split_bytes.all.current'], 0)
  assert.is(entries.num_ooms, 0)
  a.statistics.resetPeaks()
  assert.is(a.statistics.entries()['allocated_bytes.all.peak'], 0)
})

test('these laws would catch a block that is handed out while another has it', () => {
  const a = new CachingAllocator(CAPACITY)
  const first = a.alloc(2 * MIB)!
  a.large.insert(first)
  assert.is(a.alloc(2 * MIB), first)
})

test('what one stream has cached is not given to another, and goes back to the device all the same', () => {
  const a = new CachingAllocator(CAPACITY)
  a.free(a.alloc(64 * MIB, 'gather')!)
  const other = a.alloc(64 * MIB)!
  assert.is(a.statistics.reserved_bytes.all.current, 128 * MIB)
  a.free(other)
  assert.is(a.alloc(64 * MIB, 'gather')!.address, 0)
  assert.is(a.statistics.reserved_bytes.all.current, 128 * MIB)
  a.emptyCache()
  assert.is(a.statistics.reserved_bytes.all.current, 64 * MIB)
})

test.run()

import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BfcAllocator, replay } from './tf-bfc.ts'

const MIB = 2 ** 20
const GRAIN = 256

/** Requests, and releases of what an earlier request gave. */
const programs = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ bytes: fc.oneof(fc.nat(4096), fc.nat(8 * MIB), fc.nat(200 * MIB)) }) },
    { weight: 2, arbitrary: fc.record({ release: fc.nat() }) },
  ),
  { maxLength: 120 },
)

test('laws: chunks hold their requests, accounts balance, no two free neighbours, regions only double', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const allocator = new BfcAllocator({ limitBytes: 2 ** 40 })
      const held: { chunk: NonNullable<ReturnType<BfcAllocator['allocate']>>; bytes: number }[] = []
      let reserved = 0
      for (const step of program) {
        if ('bytes' in step) {
          const chunk = allocator.allocate(step.bytes)
          assert.is(chunk === null, step.bytes === 0)
          if (chunk) held.push({ chunk, bytes: step.bytes })
        } else if (held.length > 0) {
          const [gone] = held.splice(step.release % held.length, 1)
          allocator.release(gone!.chunk)
        }
        const inUse = held.reduce((n, { chunk }) => n + chunk.size, 0)
        const free = [...allocator.freeChunks()]
        assert.is(allocator.allocated, inUse)
        assert.is(inUse + free.reduce((n, c) => n + c.size, 0), allocator.reserved)
        assert.ok(free.every((c) => c.neighbours.every((n) => n === null || !n.free)))
        for (const { chunk, bytes } of held) {
          const rounded = Math.ceil(bytes / GRAIN) * GRAIN
          assert.ok(chunk.size >= bytes && chunk.size % GRAIN === 0)
          // less than as much again, or less than 128 MiB, is left as padding
          assert.ok(chunk.size < 2 * rounded && chunk.size - rounded < 128 * MIB)
        }
        const spans = held.map(({ chunk }) => chunk).sort((a, b) => a.address - b.address)
        for (let i = 1; i < spans.length; i++) {
          assert.ok(spans[i - 1]!.address + spans[i - 1]!.size <= spans[i]!.address, 'chunks overlap')
        }
        if (allocator.reserved !== reserved) {
          const region = allocator.reserved - reserved
          assert.is(Number.isInteger(Math.log2(region / (2 * MIB))), true, `a region of ${region}`)
          reserved = allocator.reserved
        }
      }
      for (const { chunk } of held) allocator.release(chunk)
      assert.is(allocator.allocated, 0)
    }),
    { seed: 20261125, numRuns: 200 },
  )
})

test('the smallest free chunk that holds the request is taken, and split only where it is twice as large', () => {
  const allocator = new BfcAllocator({ limitBytes: 2 ** 40 })
  const sizes = [4096, 256, 3072, 256, 8192, 256]
  const chunks = sizes.map((n) => allocator.allocate(n)!)
  for (const i of [0, 2, 4]) allocator.release(chunks[i]!)
  const best = allocator.allocate(2000)!
  assert.is(best.address, chunks[2]!.address)
  assert.is(best.size, 3072)
  const halved = allocator.allocate(1024)!
  assert.is(halved.address, chunks[0]!.address)
  assert.is(halved.size, 1024)
})

test('regions: 2 MiB first, then twice the last, or as much as the request takes; never beyond the limit', () => {
  const allocator = new BfcAllocator({ limitBytes: 100 * MIB })
  const reserved = [1, 2 * MIB, 5 * MIB, 20 * MIB].map((n) => {
    allocator.allocate(n)
    return allocator.reserved / MIB
  })
  // 4 would be next and holds the 2; 8 holds the 5; the 20 takes 32
  assert.equal(reserved, [2, 6, 14, 46])
  assert.throws(() => allocator.allocate(60 * MIB), /do not fit/)
  allocator.allocate(54 * MIB)
  assert.is(allocator.reserved, 100 * MIB)
  assert.is(new BfcAllocator({ limitBytes: 64 * MIB, allowGrowth: false }).allocate(1)!.size, 256)
})

test('a trace: the most in use in chunks, and all regions; host storages are none of it', () => {
  const common = { step: 0, phase: 'forward', scope: '', op: 'x' } as const
  const made = { axes: [], dtype: 'float32', category: 'temporary', action: 'alloc' } as const
  const events = [
    { ...common, ...made, seq: 0, storage: 0, bytes: 100, device: 'device' },
    { ...common, ...made, seq: 1, storage: 1, bytes: 300, device: 'device' },
    { ...common, ...made, seq: 2, storage: 2, bytes: 999, device: 'host' },
    { ...common, action: 'free', seq: 3, storage: 0, bytes: 100 },
    { ...common, action: 'free', seq: 4, storage: 2, bytes: 999 },
    { ...common, ...made, seq: 5, storage: 3, bytes: 256, device: 'device' },
  ] as const
  assert.equal(replay(events, { limitBytes: 2 ** 30 }), { allocated: 768, reserved: 2 * MIB })
})

test.run()

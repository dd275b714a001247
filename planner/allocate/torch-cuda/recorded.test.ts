import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CachingAllocator } from './allocator.ts'
import type { Block } from './block.ts'
import { parseAllocatorConfig } from './parse.ts'

// Random programs as the compiled allocator of torch 2.13 ran them (fixtures/record/allocator): every block's address, the
// statistics after every tenth operation, and the peaks.

interface Recorded {
  readonly conf: string
  readonly device_bytes: number
  readonly ops: readonly string[]
  /** In units of 512 bytes, one an allocation. */
  readonly places: readonly (number | 'oom')[]
  readonly statistics: readonly (readonly number[])[]
  readonly peaks: readonly number[]
}

const file = new URL('../../../../fixtures/allocator/torch-2.13.jsonl', import.meta.url)
const cases: Recorded[] = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

function replay(
  { conf, device_bytes, ops }: Recorded,
  make = (c: string, bytes: number) => new CachingAllocator(bytes, parseAllocatorConfig(c)),
) {
  const allocator = make(conf, device_bytes)
  const { statistics: s } = allocator
  const live = new Map<string, Block>()
  const places: (number | 'oom')[] = []
  const statistics: number[][] = []
  for (const [i, op] of ops.entries()) {
    const [kind, id = '', bytes] = op.split(' ')
    if (kind === 'a') {
      const block = allocator.alloc(Number(bytes))
      places.push(block ? block.address / 512 : 'oom')
      if (block) live.set(id, block)
    } else if (kind === 'f') {
      const block = live.get(id)
      if (block) allocator.free(block)
      live.delete(id)
    } else allocator.emptyCache()
    if (i % 10 === 9) {
      const current = [
        s.allocated_bytes,
        s.reserved_bytes,
        s.allocated_bytes,
        s.inactive_split_bytes,
        s.requested_bytes,
      ]
      statistics.push([...current.map((x) => x.all.current), s.num_alloc_retries, s.num_ooms])
    }
  }
  const peaks = [s.allocated_bytes, s.reserved_bytes, s.allocated_bytes, s.inactive_split_bytes, s.requested_bytes]
  return { places, statistics, peaks: peaks.map((x) => x.all.peak) }
}

test("every block lies where PyTorch's own allocator put it, with its statistics", () => {
  assert.is(cases.length, 40)
  for (const [i, recorded] of cases.entries()) {
    const { places, statistics, peaks } = recorded
    const ours = replay(recorded)
    const name = `case ${i} ${recorded.conf}`
    const first = places.findIndex((p, k) => p !== ours.places[k])
    assert.is(first, -1, `${name}: block ${first} at ${ours.places[first]}, not ${places[first]}`)
    assert.equal(ours.statistics, statistics, name)
    assert.equal(ours.peaks, peaks, name)
  }
})

test('the programs run out of memory, retry, split and grow', () => {
  const last = cases.map((c) => c.statistics.at(-1)!)
  assert.ok(last.filter((s) => s[6]! > 0).length >= 5, 'out of memory')
  assert.ok(last.filter((s) => s[5]! > 0).length >= 8, 'retries')
  assert.ok(cases.every((c) => c.peaks[1]! > c.peaks[0]!))
})

test('a wrong rule is caught: larger segments, another rounding, no splitting', () => {
  const wrong = [
    'large_segment_size_mb:22',
    'roundup_power2_divisions:2',
    'max_split_size_mb:21',
    'expandable_segments:True',
  ]
  for (const conf of wrong) {
    const differs = cases.slice(0, 4).some((c) => {
      const { places, statistics } = replay(c, (_, bytes) => new CachingAllocator(bytes, parseAllocatorConfig(conf)))
      return JSON.stringify([places, statistics]) !== JSON.stringify([c.places, c.statistics])
    })
    assert.ok(differs, conf)
  }
})

test.run()

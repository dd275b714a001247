import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DEFAULT_CONFIG, parseAllocatorConfig } from '../allocate/torch-cuda/index.ts'
import { beginningOf } from './beginning.ts'
import { replayOnDevice, replayUnder, unreplayable } from './replay.ts'
import type { Block, Entry, Segment, Snapshot } from './snapshot.ts'

// What GPUs did: snapshots that people recorded and published, their stacks left out (fixtures/record/published-snapshots.mjs).

const folder = new URL('../../../fixtures/snapshot/published/', import.meta.url)
const ACTIONS: Readonly<Record<string, string>> = {
  a: 'alloc',
  f: 'free_completed',
  S: 'segment_alloc',
  X: 'segment_free',
}

function published(name: string): Snapshot {
  const segments: (Segment & { blocks: Block[] })[] = []
  const entries: Entry[] = []
  for (const line of readFileSync(new URL(name, folder), 'utf8').trim().split('\n')) {
    const [kind = '', at = '', size, requested] = line.split(' ')
    if (kind === '#') continue
    const address = Number.parseInt(at, 36) * 512
    const bytes = Number(size)
    const plain = { frames: [], scope: '', stream: 0 }
    if (kind === 's') segments.push({ device: 0, address, total: bytes, stream: 0, blocks: [] })
    else if (kind === 'b')
      segments
        .at(-1)!
        .blocks.push({ address, size: bytes, requested: Number(requested), state: 'active_allocated', ...plain })
    else entries.push({ action: ACTIONS[kind]!, address, bytes, ...plain })
  }
  return { segments, traces: [entries], origin: null }
}

const runs = readdirSync(folder).map((name) => ({ name, snapshot: published(name) }))

/** Bytes reserved at the most, by the device's own entries. */
function reservedPeak(snapshot: Snapshot): number {
  let now = beginningOf(snapshot, 0).reduce((n, s) => n + s.total, 0)
  let most = now
  for (const { action, bytes } of snapshot.traces[0]!) {
    if (action === 'segment_alloc') now += bytes
    if (action === 'segment_free') now -= bytes
    most = Math.max(most, now)
  }
  return most
}

test('every block lies where the GPU had it, and as much was reserved', () => {
  const all = runs.map(({ name, snapshot }) => {
    assert.is(unreplayable(snapshot, 0), null)
    const { requests, elsewhere, reservedPeak: ours } = replayOnDevice(snapshot, 0)
    assert.is(elsewhere, 0, name)
    assert.is(ours, reservedPeak(snapshot), name)
    return requests
  })
  assert.ok(all.reduce((n, r) => n + r, 0) > 4000)
})

test('some begin on a used device, and some give memory back', () => {
  assert.ok(runs.some(({ snapshot }) => beginningOf(snapshot, 0).length > 100))
  assert.ok(runs.some(({ snapshot }) => snapshot.traces[0]!.some((e) => e.action === 'segment_free')))
})

test('an allocator with another rule puts blocks elsewhere', () => {
  const { snapshot } = runs.find((r) => r.name.includes('mixed'))!
  const never = { ...DEFAULT_CONFIG, maxSplitSize: 2 ** 20 }
  assert.ok(replayOnDevice(snapshot, 0, never).elsewhere > 0)
  const rounded = { ...DEFAULT_CONFIG, roundupDivisions: [4] }
  assert.ok(replayOnDevice(snapshot, 0, rounded).elsewhere > 0)
})

test('another configuration: the same requests from an empty device', () => {
  const under = (conf: string) => (name: string) =>
    replayUnder(runs.find((r) => r.name === name)!.snapshot, 0, parseAllocatorConfig(conf)).reservedPeak
  const [plain, expandable] = [under(''), under('expandable_segments:True')]
  // an empty device at the beginning: the same replay
  const { name, snapshot } = runs.find((r) => beginningOf(r.snapshot, 0).length === 0)!
  assert.is(plain(name), replayOnDevice(snapshot, 0).reservedPeak)
  // pages in place of segments save where requests are of many sizes, and cost up to a page a pool where they are few
  assert.ok(expandable('transformer-mixed.txt') < plain('transformer-mixed.txt'))
  assert.ok(expandable('attention.txt') > plain('attention.txt'))
})

test('what has no history, several streams or expandable segments is not replayed block for block', () => {
  const { segments, traces, origin } = runs[0]!.snapshot
  const entries = traces[0]!
  const with_ = (changed: readonly Entry[]): Snapshot => ({ segments, traces: [changed], origin })
  assert.match(unreplayable(with_([]), 0)!, /no history/)
  assert.match(unreplayable(with_(entries.map((e, i) => ({ ...e, stream: i % 2 }))), 0)!, /several streams/)
  assert.match(unreplayable(with_([{ ...entries[0]!, action: 'segment_map' }, ...entries]), 0)!, /expandable/)
})

test.run()

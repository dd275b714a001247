import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { predictOnDevice, resolveStack, simulate } from '../predict/index.ts'
import { Refusal } from '../trace/errors.ts'
import type { Alloc, TraceEvent } from '../trace/event.ts'
import { Replay } from '../trace/reading.ts'
import { resolveTraining } from '../training/resolve.ts'
import {
  devicesOf,
  type Entry,
  importRun,
  layOut,
  movesOf,
  readSnapshot,
  requestedMoves,
  type Snapshot,
  writeSnapshot,
} from './index.ts'
import { dict, List, list, type PickleValue, writePickle } from './pickle/index.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/snapshot/${name}`, import.meta.url))

const alloc = (storage: number, bytes: number): Alloc => ({
  ...{ seq: 0, step: 0, phase: 'forward', scope: 'model.layers.0', op: 'linear', storage, bytes, action: 'alloc' },
  ...{ axes: [], dtype: 'uint8', device: 'device', category: 'temporary' },
})
const free = (storage: number, bytes: number): TraceEvent => ({
  ...{ seq: 0, step: 0, phase: 'backward', scope: '', op: 'mm', storage, bytes, action: 'free' },
})

/** Allocations and releases in any order that is possible. */
const traces = fc.array(fc.tuple(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 5_000_000 }))).map((moves) => {
  const live: Alloc[] = []
  return moves.map(([grow, pick, bytes], i): TraceEvent => {
    if (!grow && live.length > 0) {
      const [gone] = live.splice(pick % live.length, 1)
      return free(gone!.storage, gone!.bytes)
    }
    live.push(alloc(i, bytes))
    return live.at(-1)!
  })
})

const levels = (events: readonly TraceEvent[]): number[] => {
  const replay = new Replay()
  return events.map((e) => {
    replay.apply(e)
    return replay.bytes
  })
}

test('a trace laid out, written, read and imported has the same live bytes at every event', () => {
  fc.assert(
    fc.property(traces, (events) => {
      const run = importRun(readSnapshot(writeSnapshot(layOut(movesOf(events)))), 0)
      assert.equal(levels(run.events), levels(events))
      for (const e of run.events) if (e.action === 'alloc') assert.is(e.scope, 'model.layers.0')
    }),
  )
})

test('a layout: no two live blocks overlap, every segment is the sum of its blocks', () => {
  fc.assert(
    fc.property(traces, (events) => {
      const { segments, traces: entries } = layOut(movesOf(events))
      for (const s of segments) {
        assert.is(
          s.blocks.reduce((n, b) => n + b.size, 0),
          s.total,
        )
        let at = s.address
        for (const b of s.blocks) {
          assert.is(b.address, at)
          at += b.size
        }
      }
      const live = new Map<number, number>()
      for (const { action, address, bytes } of entries[0]!) {
        if (action === 'free_requested') live.delete(address)
        if (action !== 'alloc') continue
        for (const [other, size] of live) assert.ok(address + bytes <= other || other + size <= address)
        live.set(address, bytes)
      }
    }),
  )
})

test('what PyTorch’s own reader was recorded to take is what is written today, and Python writes the same', () => {
  const proof = JSON.parse(fixture('predicted.json').toString())
  const stack = resolveStack('transformers-5.23')
  const spec = specFromCatalog('smollm2-135m', { layers: 1 })
  const { train } = resolveTraining(spec, { method: 'lora-fa', seq_len: 16 }, { stack: stack.name })
  const { events } = simulate(spec, train, stack.dialect, { library: stack.library, steps: 2 })
  const written = writeSnapshot(layOut(requestedMoves(events), { origin: { kind: 'predicted', runtime: stack.name } }))
  assert.is(createHash('sha256').update(written).digest('hex'), proof.sha256)
  const { tiers } = predictOnDevice(spec, train, stack, null)
  assert.is(proof.peak_bytes, tiers.statistics?.['requested_bytes.all.peak'])
  assert.is(importRun(readSnapshot(written), 0).reserved, tiers.reserved)
  assert.equal(readSnapshot(fixture('predicted.pickle')), readSnapshot(written))
  assert.is(proof.entries, readSnapshot(written).traces[0]!.length)
})

const entry = (action: string, address: number, bytes: number, more: Partial<Entry> = {}): Entry => ({
  ...{ action, address, bytes, stream: 0, frames: [], scope: '' },
  ...more,
})
const snapshotOf = (entries: readonly Entry[], blocks: Snapshot['segments'][number]['blocks'] = []): Snapshot => ({
  segments: [{ device: 0, address: 0, total: 4096, stream: 0, blocks }],
  traces: [entries],
  origin: null,
})

test('what was there before the recording is found by its release, or by its block at the end', () => {
  const block = { address: 2048, size: 1024, requested: 1000, state: 'active_allocated', frames: [], scope: '' }
  const pending = { ...block, address: 3072, state: 'active_pending_free' }
  const run = importRun(
    snapshotOf(
      [
        entry('free_requested', 512, 300),
        entry('free_completed', 512, 300),
        entry('alloc', 512, 400),
        entry('oom', 0, 9999),
        entry('free_requested', 3072, 700),
        entry('snapshot', 0, 0),
      ],
      [block, pending],
    ),
    0,
  )
  assert.equal(levels(run.events), [300, 1000, 2000, 1700, 2100, 1400])
  assert.equal(
    run.events.map((e) => e.phase === 'static'),
    [true, true, true, false, false, false],
  )
  assert.is(run.blocks.size, 1)
  assert.is([...run.blocks.values()][0], 1024)
})

test('a release that waits for another stream is one release', () => {
  const run = importRun(
    snapshotOf([
      entry('alloc', 0, 10),
      entry('free_requested', 0, 10),
      entry('alloc', 64, 7),
      entry('free_completed', 0, 10),
    ]),
    0,
  )
  assert.equal(levels(run.events), [10, 0, 7])
})

test('reserved is the largest sum of segments, walked back over what was freed and mapped', () => {
  const grown = [entry('segment_alloc', 0, 4096), entry('segment_free', 8192, 10_000), entry('segment_map', 0, 1)]
  assert.is(importRun(snapshotOf(grown), 0).reserved, 4095 + 10_000)
})

test('phases come from stacks: the optimizer’s code, the engine’s, and no Python at all in the engine’s thread', () => {
  const frame = (filename: string) => [{ filename, line: 1, name: 'f' }]
  const run = importRun(
    snapshotOf([
      entry('alloc', 0, 1, { frames: frame('/x/transformers/models/llama/modeling_llama.py') }),
      entry('alloc', 1, 1),
      entry('alloc', 2, 1, { frames: frame('/x/torch/optim/adamw.py') }),
    ]),
    0,
  )
  assert.ok(run.phased)
  assert.equal(
    run.events.map((e) => e.phase),
    ['forward', 'backward', 'optimizer'],
  )
  assert.is(run.events[0]!.op, 'modeling_llama.py:1 f')
})

test('segments alone (memory_snapshot) and several devices', () => {
  const segment = (device: number) =>
    dict({
      device,
      address: 0,
      total_size: 512,
      stream: 0,
      blocks: list([dict({ size: 512, state: 'active_allocated' })]),
    })
  const alone = readSnapshot(writePickle(list([segment(0), segment(3)])))
  assert.equal(devicesOf(alone), [0, 3])
  const run = importRun(alone, 3)
  assert.not(run.recorded)
  assert.equal(levels(run.events), [512])
})

test('a pickle of something else is refused with the place in it', () => {
  const whereOf = (v: PickleValue): string => {
    try {
      readSnapshot(writePickle(v))
      return ''
    } catch (e) {
      assert.instance(e, Refusal)
      return `${(e as Refusal).where} ${(e as Refusal).message}`
    }
  }
  const segment = { address: 0, total_size: 512, stream: 0 }
  assert.is(whereOf('x'), 'the file is a text; expected a dict with segments')
  assert.is(whereOf(dict({})), 'segments is missing; expected a list')
  assert.is(whereOf(dict({ segments: list([3]) })), 'segments[0] is 3; expected a dict')
  assert.match(whereOf(dict({ segments: list([dict(segment)]) })), /^segments\[0\]\.blocks is missing/)
  assert.match(
    whereOf(dict({ segments: list([dict({ ...segment, total_size: -1, blocks: new List() })]) })),
    /total_size is -1/,
  )
  assert.match(
    whereOf(dict({ segments: new List(), device_traces: list([list([dict({ action: 1 })])]) })),
    /^device_traces\[0\]\[0\]\.action is 1; expected a text/,
  )
})

test('one list referred to without end is not read without end', () => {
  const frames = list(Array.from({ length: 1000 }, () => dict({ filename: 'f', line: 1, name: 'n' })))
  const block = dict({ size: 1, state: 'inactive', frames })
  const blocks = list(Array.from({ length: 1000 }, () => block))
  const segment = dict({ address: 0, total_size: 1, stream: 0, blocks })
  const few = dict({ segments: list(Array.from({ length: 100 }, () => segment)) })
  assert.is(readSnapshot(writePickle(few)).segments[99]!.blocks[999]!.frames.length, 1000)
  const bomb = dict({ segments: list(Array.from({ length: 9000 }, () => segment)) })
  assert.throws(() => readSnapshot(writePickle(bomb)), /more than 8388608 blocks, events and frames/)
})

test.run()

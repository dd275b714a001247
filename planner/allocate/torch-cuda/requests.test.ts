import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { axis } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Alloc, Category, TraceEvent } from '../../trace/event.ts'
import { smallestCapacity } from './capacity.ts'
import { DEFAULT_CONFIG } from './config.ts'
import { type RequestList, readRequests, requestsOf, WORKSPACE } from './requests.ts'
import { train } from './training.ts'

const MIB = 2 ** 20
const UNLIMITED = 2 ** 46
let seq = 0

const alloc = (storage: number, bytes: number, more: Partial<Alloc> = {}): Alloc => ({
  seq: seq++,
  step: 0,
  phase: 'forward',
  scope: 'm',
  op: 'mul',
  action: 'alloc',
  storage,
  bytes,
  axes: [axis('n', bytes)],
  dtype: 'uint8' as DType,
  device: 'device',
  category: 'temporary' as Category,
  ...more,
})
const free = (
  { action: _, axes: __, dtype: ___, device: ____, category: _____, ...common }: Alloc,
  more: Partial<Alloc> = {},
): TraceEvent => ({
  ...common,
  step: more.step ?? common.step,
  phase: more.phase ?? common.phase,
  op: more.op ?? common.op,
  action: 'free',
})

/** A weight, an activation through forward and backward, an optimizer's temporary in both steps. */
function trace(activation: number): TraceEvent[] {
  const weight = alloc(0, 30 * MIB, { phase: 'static', category: 'parameter' })
  const x = alloc(1, activation)
  const first = alloc(2, 5 * MIB, { phase: 'optimizer', op: 'sqrt' })
  const second = alloc(3, 5 * MIB, { phase: 'optimizer', op: 'sqrt', step: 1 })
  return [weight, x, free(x, { phase: 'backward' }), first, free(first), second, free(second)]
}

test('later steps are the first one again with their own optimizer; the model stays', () => {
  const { load, first, steady } = readRequests(trace(50 * MIB))
  const storages = (list: RequestList) => list.storages.filter((_, i) => list.bytes[i]! > 0)
  assert.equal(storages(load), [0])
  assert.equal(storages(first), [1, 2])
  assert.equal(storages(steady), [1, 3])
})

test('CUDA keeps statistics of layer_norm in float32, and the step counts of a fused AdamW on the device', () => {
  const rows = [axis('t', 100), axis('1', 1)]
  const half = { dtype: 'bfloat16' as DType, bytes: 200, axes: rows, op: 'layer_norm' }
  const wide = { dtype: 'bfloat16' as DType, bytes: 200 * 64, axes: [axis('t', 100), axis('h', 64)], op: 'layer_norm' }
  const state = {
    bytes: 4,
    category: 'optimizer state' as Category,
    device: 'host' as const,
    phase: 'optimizer' as const,
  }
  const events = [
    alloc(0, 0, half),
    alloc(1, 0, wide),
    alloc(2, 0, { ...half, op: 'mean' }),
    alloc(3, 4, { ...state, op: 'fused step' }),
    alloc(4, 4, { ...state, op: 'step' }),
  ]
  const { first } = readRequests(events)
  assert.equal(
    first.storages.map((storage, i) => [storage, first.bytes[i]]),
    [
      [0, 400],
      [1, 200 * 64],
      [2, 200],
      [3, 4],
    ],
  )
})

test('peaks of a run: what is asked for, in blocks and segments', () => {
  const run = train(requestsOf(trace(50 * MIB)), UNLIMITED, DEFAULT_CONFIG, null)
  assert.is(run.outOfMemory, null)
  assert.is(run.allocatedBytes, 80 * MIB)
  assert.is(run.reservedBytes, 80 * MIB)
  assert.is(run.statistics['requested_bytes.all.peak'], 80 * MIB)
})

test('out of memory names the request', () => {
  const run = train(requestsOf(trace(50 * MIB)), 60 * MIB, DEFAULT_CONFIG, null)
  assert.equal(run.outOfMemory, { phase: 'forward', scope: 'm', op: 'mul', bytes: 50 * MIB })
})

test('host memory and empty storages ask for nothing; what is not in a trace cannot be freed', () => {
  const events = [alloc(1, 100, { device: 'host' }), alloc(2, 0), free(alloc(7, 5))]
  const run = train(requestsOf(events), UNLIMITED, DEFAULT_CONFIG, null)
  assert.is(run.reservedBytes, 0)
})

test('the first product of the forward and of the backward take a workspace each', () => {
  const product = (phase: 'forward' | 'backward', op: string, storage: number) => alloc(storage, MIB, { phase, op })
  const events = [
    product('forward', 'linear', 1),
    product('forward', 'linear', 2),
    product('backward', 'linear backward', 3),
    product('backward', 'bmm backward', 4),
  ]
  const { first, steady } = readRequests(events)
  assert.equal(
    first.storages.filter((_, i) => first.bytes[i] === WORKSPACE),
    [1, 3],
  )
  assert.not(steady.bytes.includes(WORKSPACE))
})

const [b, a, t, d, k] = [axis('b', 2), axis('a', 8), axis('t', 300), axis('d', 80), axis('k', 2)]
const bytesOf = (axes: readonly { size: number }[], itemsize: number) => axes.reduce((n, x) => n * x.size, itemsize)

function scratchOf(op: string, forward: readonly Alloc[], results: readonly Alloc[]): readonly number[] {
  const events = [...forward, ...results.map((r) => ({ ...r, phase: 'backward' as const, op }))]
  return readRequests(events).first.buffers.flat()
}

test("FlashAttention's backward: row sums, dQ in float32 with rounded rows and widths, dK and dV of all heads", () => {
  const q = alloc(1, bytesOf([b, a, t, d], 2), { axes: [b, a, t, d], dtype: 'bfloat16' })
  const kv = (id: number) => alloc(id, bytesOf([b, k, t, d], 2), { axes: [b, k, t, d], dtype: 'bfloat16' })
  const state = alloc(9, 16, { op: 'sdpa', axes: [axis('rng', 2)], dtype: 'uint64' })
  const expanded = 2 * 300 * 8 * 80 * 2
  const buffers = scratchOf('sdpa backward', [state], [q, kv(2), kv(3)])
  assert.equal(buffers, [2 * 8 * 384 * 4, 2 * 384 * 8 * 96 * 4, expanded, expanded])
  const ungrouped = scratchOf('sdpa backward', [state], [q, { ...q, storage: 2 }, { ...q, storage: 3 }])
  assert.is(ungrouped.length, 2)
})

test('the memory-efficient kernel sums dQ in tiles and is known by its state', () => {
  const q = alloc(1, bytesOf([b, a, t, d], 2), { axes: [b, a, t, d], dtype: 'bfloat16' })
  const state = alloc(9, 8, { op: 'sdpa', axes: [], dtype: 'int64' })
  const buffers = scratchOf('sdpa backward', [state], [q, { ...q, storage: 2 }, { ...q, storage: 3 }])
  assert.equal(buffers, [2 * 8 * 300 * 4, 2 * 8 * 5 * 2 * (64 * 64 * 4 + 16)])
})

test('an embedding sorts from 3073 rows on', () => {
  const looked = (rows: number) => alloc(1, rows * 64 * 2, { op: 'embedding', axes: [axis('t', rows), axis('h', 64)] })
  const dw = alloc(2, 100 * 64 * 2, { axes: [axis('V', 100), axis('h', 64)] })
  assert.equal(scratchOf('embedding backward', [looked(3072)], [dw]), [])
  const buffers = scratchOf('embedding backward', [looked(3073)], [dw])
  assert.is(buffers.length, 7)
  assert.is(buffers.at(-1), 3073 * 64 * 4)
})

test('the smallest capacity succeeds, a page less does not; more blocks need more', () => {
  for (const activation of [3 * MIB, 17 * MIB, 50 * MIB]) {
    const requests = requestsOf(trace(activation))
    const unlimited = train(requests, UNLIMITED, DEFAULT_CONFIG, null)
    const { bytes } = smallestCapacity(requests, unlimited, DEFAULT_CONFIG, null)
    assert.is(train(requests, bytes, DEFAULT_CONFIG, null).outOfMemory, null)
    assert.not.equal(train(requests, bytes - 2 * MIB, DEFAULT_CONFIG, null).outOfMemory, null)
    assert.ok(bytes <= unlimited.reservedBytes && bytes >= 30 * MIB + activation)
  }
})

test.run()

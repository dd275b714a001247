import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Alloc, Phase, TraceEvent } from '../trace/event.ts'
import { leaksIn } from './leak.ts'

/** Writes allocations and releases of steps. */
class Steps {
  readonly events: TraceEvent[] = []
  #storages = 0

  alloc(phase: Phase, bytes: number, op = 'line'): number {
    const storage = this.#storages++
    const alloc: Alloc = {
      ...{ seq: 0, step: 0, phase, scope: '', op, storage, bytes, action: 'alloc' },
      ...{ axes: [], dtype: 'uint8', device: 'device', category: 'other' },
    }
    this.events.push(alloc)
    return storage
  }

  free(phase: Phase, storage: number): void {
    this.events.push({ seq: 0, step: 0, phase, scope: '', op: '', storage, bytes: 0, action: 'free' })
  }

  /** A forward that keeps what it makes for the backward, and an optimizer with a temporary. */
  step(sizes: readonly number[]): void {
    const kept = sizes.map((n) => this.alloc('forward', n))
    for (const s of kept.reverse()) this.free('backward', s)
    this.free('optimizer', this.alloc('optimizer', 77))
  }
}

const found = (s: Steps) => leaksIn(s.events, () => []).map(({ finding: f }) => [f.bytes, f.each_step, f.count, f.at])

test('steps that close leave no leak, alike or not', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 1, maxLength: 8 }), (steps) => {
      const s = new Steps()
      for (const of of steps) s.step(of)
      assert.equal(found(s), [])
    }),
  )
})

test('batches of different lengths: phases tell the steps', () => {
  const s = new Steps()
  for (const n of [5, 9, 7, 3, 11, 8]) {
    s.step([n, n + 1, n + 2])
    s.alloc('backward', 1000, 'train.py:9 keep')
  }
  assert.equal(found(s), [[1000, 1, 6, 'train.py:9 keep']])
})

test('what one step keeps for the next is no leak, nor what is made once', () => {
  const s = new Steps()
  s.alloc('forward', 500)
  let last: number | null = null
  for (let i = 0; i < 6; i++) {
    s.step([5, 6, 7])
    const loss = s.alloc('forward', 4, 'loss')
    if (last !== null) s.free('forward', last)
    last = loss
  }
  assert.equal(found(s), [])
})

test('two tensors a step, without a stack', () => {
  const s = new Steps()
  for (let i = 0; i < 5; i++) {
    s.step([5, 6, 7])
    s.alloc('forward', 64, '')
    s.alloc('forward', 64, '')
  }
  const [leak] = found(s)
  assert.equal(leak?.slice(0, 2), [64, 2])
})

test.run()

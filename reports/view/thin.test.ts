import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TimelinePoint } from '../../planner/result/estimate.ts'
import { pointBytes, thin } from './thin.ts'

const PHASE = (i: number) => (i < 4000 ? 'forward' : i < 9000 ? 'backward' : 'optimizer')
/** Ragged and deterministic, with one spike. */
const timeline: TimelinePoint[] = Array.from({ length: 10_000 }, (_, i) => [
  i,
  PHASE(i),
  { parameter: 1000, temporary: i === 5432 ? 99_999 : (i * 7919) % 997 },
])

test('the peak, the ends and the borders of the phases survive', () => {
  const kept = thin(timeline, 100)
  assert.ok(kept.length <= 206)
  const seqs = kept.map((p) => p[0])
  for (const seq of [0, 3999, 4000, 5432, 8999, 9000, 9999]) assert.ok(seqs.includes(seq), String(seq))
  assert.is(Math.max(...kept.map(pointBytes)), 100_999)
})

test('points keep their order and their values, and a short timeline is left alone', () => {
  const kept = thin(timeline, 100)
  assert.ok(kept.every((p, i) => i === 0 || p[0] > kept[i - 1]![0]))
  assert.ok(kept.every((p) => p === timeline[p[0]]))
  assert.is(thin(kept, 200), kept)
})

test.run()

import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { StudyResult, StudyRun } from '../../planner/result/study.ts'
import { bodyOf } from '../../planner/study/body.ts'
import { curvesChart } from '../charts/curves.ts'
import { heatMapChart } from '../charts/heat-map.ts'
import { scatterChart } from '../charts/scatter.ts'
import { studyView } from './study.ts'
import { heatOf, sweepOf } from './sweep.ts'

const golden: StudyResult = JSON.parse(
  readFileSync(new URL('../../../fixtures/golden/study.json', import.meta.url), 'utf8'),
)

/** The sample with other runs, and what follows from them. */
function withRuns(runs: readonly StudyRun[], change: Partial<StudyResult['result']> = {}): StudyResult {
  const { result } = golden
  return { ...golden, result: { ...bodyOf({ ...result, ...change }, runs, []), ...change } }
}

const atRank8 = golden.result.runs.filter((r) => r.rank === 8 || r.rank === null)

/** LoRA-FA's losses moved by so much. */
const moved = (by: number): StudyRun[] =>
  atRank8.map((r) =>
    r.method === 'lora-fa' ? { ...r, validation: { ...r.validation, loss: r.validation.loss + by } } : r,
  )

test('the answer says within, better, worse and undecided for what they are', () => {
  const lead = (runs: readonly StudyRun[]) => studyView(withRuns(runs)).answer.lead
  const [verdict] = withRuns(atRank8).result.verdicts
  assert.match(lead(moved(-verdict!.difference)), /^LoRA-FA learns as LoRA does: .*within the seed spread/)
  assert.match(lead(moved(-1)), /^LoRA-FA learns better than LoRA here: .*outside/)
  const base = { base: { ...golden.result.base, validation: { loss: 100, accuracy: null } } }
  const worse = withRuns(moved(1), base)
  assert.match(studyView(worse).answer.lead, /^LoRA-FA does not learn as well as LoRA here: .*outside/)
  assert.match(lead(atRank8.filter((r) => r.seed === 0)), /one seed: no spread/)
  assert.match(lead(atRank8.filter((r) => r.method === 'full')), /were not both studied/)
  assert.match(lead([]), /No training has ended/)
})

test('of several ranks it names those at which LoRA-FA is not within', () => {
  const runs = golden.result.runs.map((r) =>
    r.method === 'lora-fa'
      ? { ...r, validation: { ...r.validation, loss: r.validation.loss + (r.rank === 2 ? 1 : -1) } }
      : r,
  )
  assert.match(studyView(withRuns(runs)).answer.lead, /at 1 of 2 ranks; it is NOT at rank 2/)
})

test('where nothing is learned nothing is claimed', () => {
  const low = { base: { ...golden.result.base, validation: { loss: 0, accuracy: null } } }
  assert.match(studyView(withRuns(atRank8, low)).answer.lead, /^No method improves on the base/)
  const told = atRank8.map((r) => ({ ...r, validation: { ...r.validation, accuracy: 0.4 } }))
  const majority = (validation: number) => ({ data: { ...golden.result.data, majority: { validation, test: 0.5 } } })
  assert.match(studyView(withRuns(told, majority(0.4))).answer.lead, /^No method tells more than the commonest class/)
  assert.not.match(studyView(withRuns(told, majority(0.39))).answer.lead, /^No method/)
})

test('a curve is the mean of its seeds at the rate that was chosen, within the band of them', () => {
  const { curves, rows } = studyView(golden)
  assert.equal(
    curves.map((c) => c.rank),
    [2, 8],
  )
  for (const { rank, loss } of curves)
    for (const curve of loss.curves) {
      const row = rows.find((r) => r.method === curve.method && (r.rank ?? rank) === rank)!
      assert.ok(Math.abs(curve.points.at(-1)!.mean - row.validation_loss) < 1e-12)
      assert.ok(curve.points.every((p) => p.low <= p.mean && p.mean <= p.high))
      assert.ok(curve.points.some((p) => p.low < p.high))
    }
})

interface Box {
  readonly x: number
  readonly x2: number
  readonly y: number
  readonly y2: number
}
const overlap = (a: Box, b: Box): boolean => a.x < b.x2 && b.x < a.x2 && a.y < b.y2 && b.y < a.y2

test('the lower the loss the stronger the cell; the best has the frame; a rate that diverged is said to', () => {
  const { rows, runs, base } = golden.result
  const diverged = { ...runs.find((r) => r.method === 'lora' && r.rank === 2)!, diverged_at: 3 }
  const sweep = sweepOf(rows, [diverged])
  const { grids } = heatOf(sweep, base.validation.loss)
  for (const [g, grid] of grids.entries()) {
    const losses = sweep[g]!.cells.map((c) => c.loss ?? Number.POSITIVE_INFINITY)
    const order = (values: readonly number[]) => [...values.keys()].sort((a, b) => values[a]! - values[b]!)
    const strengths = grid.cells.map((c) => -c.strength)
    assert.equal(order(strengths), order(losses))
    assert.equal(
      grid.cells.flatMap((c, i) => (c.marked ? [i] : [])),
      [losses.indexOf(Math.min(...losses))],
    )
  }
  assert.is(grids.flatMap((g) => g.cells).filter((c) => c.label === 'diverged').length, 1)
  assert.is(Math.max(...grids.flatMap((g) => g.cells.map((c) => c.strength))), 1)
})

test('cells of a heat map do not overlap and stay inside the drawing', () => {
  const sweep = sweepOf(golden.result.rows, [])
  for (const size of ['wide', 'narrow'] as const) {
    const { data, height } = heatMapChart(heatOf(sweep, golden.result.base.validation.loss), size)
    // what the chart calls cells are boxes in pixels
    const cells = data.cells as readonly Box[]
    assert.is(cells.length, 12)
    for (const [i, a] of cells.entries()) {
      assert.ok(a.x >= 0 && a.x2 <= (size === 'wide' ? 1024 : 356) && a.y2 <= height)
      for (const b of cells.slice(i + 1)) assert.not(overlap(a, b))
    }
  }
})

test('every point has its bar of spread, and names stand where they are read', () => {
  const { points, curves } = studyView(golden)
  for (const size of ['wide', 'narrow'] as const) {
    const { data } = scatterChart(points, size)
    assert.is(data.points!.length, points.length)
    assert.is(data.spreads!.length, points.filter((p) => (p.spread ?? 0) > 0).length)
    const chart = curvesChart(curves[0]!.loss, size)
    // names are placed in the units of the vertical axis
    const places = (chart.data.names as readonly { to: number }[]).map((n) => n.to).sort((a, b) => a - b)
    const [low, high] = [Number(chart.signals.low), Number(chart.signals.high)]
    const pixel = chart.height / (high - low)
    for (const [i, at] of places.slice(1).entries()) assert.ok((at - places[i]!) * pixel >= 14.9)
    assert.ok(places.every((at) => at >= low && at <= high))
  }
})

test.run()

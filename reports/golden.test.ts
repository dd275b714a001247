import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CompareResult } from '../planner/result/compare.ts'
import { EstimateResult } from '../planner/result/estimate.ts'
import { PlanResult } from '../planner/result/plan.ts'
import { RunResult } from '../planner/result/run.ts'
import { StudyResult } from '../planner/result/study.ts'
import { bodyOf } from '../planner/study/body.ts'

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/golden/${name}.json`, import.meta.url), 'utf8'))

for (const [name, schema] of [
  ['estimate', EstimateResult],
  ['compare', CompareResult],
  ['compare-gpu', CompareResult],
  ['run', RunResult],
  ['study', StudyResult],
  ['compare-matrix', CompareResult],
  ['plan', PlanResult],
] as const) {
  test(`the sample ${name} is a document that the tool could have printed`, () => {
    const parsed = schema.safeParse(golden(name))
    assert.ok(parsed.success, parsed.error?.message)
  })
}

test('the samples agree with themselves: parts, living storages and timeline reach the same peak', () => {
  for (const name of ['compare', 'compare-gpu']) {
    for (const { method, estimate: e } of CompareResult.parse(golden(name)).result.methods) {
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
      const top = Math.max(...e.timeline.map((p) => sum(Object.values(p[2]))))
      assert.is(sum(Object.values(e.peak.parts)), e.peak.bytes, `${name} ${method} parts`)
      assert.is(sum(e.peak.alive.map((a) => a.bytes)), e.peak.bytes, `${name} ${method} alive`)
      assert.is(sum(e.saved.map((s) => s.bytes * s.count)), e.saved_bytes, `${name} ${method} saved`)
      assert.is(top, e.peak.bytes, `${name} ${method} timeline`)
    }
  }
})

test('the sample study’s tables are those of its runs', () => {
  const { runs, diverged, rows, summary, verdicts, ...head } = StudyResult.parse(golden('study')).result
  assert.equal(bodyOf(head, runs, diverged), { ...head, runs, diverged, rows, summary, verdicts })
})

test.run()

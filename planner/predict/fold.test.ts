import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { EstimateBody } from '../result/estimate.ts'
import { Runs } from './depths.ts'
import { bodyOf } from './estimate.ts'
import { bodyFrom } from './facts.ts'
import { foldLayers } from './fold.ts'
import { settings } from './settings.test.cases.ts'
import { simulate } from './simulate.ts'

/** The same estimate with its tables in one order: rows of equal bytes have none of their own. */
const ordered = (b: EstimateBody) => ({
  ...b,
  saved: b.saved.map((r) => JSON.stringify(r)).sort(),
  peak: { ...b.peak, alive: b.peak.alive.map((r) => JSON.stringify(r)).sort() },
  law: {
    ...b.law,
    expression: b.law.expression.split(' + ').sort(),
    terms: b.law.terms.map((r) => JSON.stringify(r)).sort(),
  },
})

test('a folded prediction equals the simulation of every layer, in every figure and table', () => {
  let folded = 0
  fc.assert(
    fc.property(settings, ({ model, train, stack }) => {
      const facts = foldLayers(new Runs(model, train, stack))
      if (!facts) return
      folded++
      const { dialect, library, allocator } = stack
      const { network, events } = simulate(model, train, dialect, { library })
      const whole = bodyOf(network, events, allocator)
      assert.equal(ordered(bodyFrom(facts, null, allocator)), ordered(whole))
    }),
    { numRuns: 100, seed: 7 },
  )
  assert.ok(folded > 60, `only ${folded} settings folded`)
})

test.run()

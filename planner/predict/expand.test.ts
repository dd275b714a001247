import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TraceEvent } from '../trace/event.ts'
import { atDepth, byTurn, isWorthwhile } from './depths.ts'
import { expand, fullTrace } from './expand.ts'
import { stretchesOf } from './repetition.ts'
import { settings } from './settings.test.cases.ts'
import { simulate } from './simulate.ts'

const line = (e: TraceEvent | undefined): string => JSON.stringify(e)

/** The first event that is not the other's, with its place; null where all are equal. */
function difference(a: readonly TraceEvent[], b: readonly TraceEvent[]): string | null {
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => line(a[i]) !== line(b[i]))
  return at === undefined ? null : `${at}: ${line(a[at])} for ${line(b[at])}`
}

test('a trace worked out from a few layers is the one that simulating every layer writes, event by event', () => {
  let expanded = 0
  fc.assert(
    fc.property(settings, ({ model, train, stack }) => {
      const { events } = simulate(model, train, stack.dialect, { library: stack.library })
      assert.is(difference(fullTrace(model, train, stack), events), null)
      const depth = byTurn(model, train)
      if (depth && isWorthwhile(depth) && expand(atDepth(model, train, stack, depth))) expanded++
    }),
    { numRuns: 120, seed: 3 },
  )
  assert.ok(expanded > 90, `only ${expanded} settings were worked out`)
})

test('a few layers whose storages are numbered otherwise are no account of a step', () => {
  fc.assert(
    fc.property(settings, fc.nat(), ({ model, train, stack }, n) => {
      const depth = byTurn(model, train)
      if (!depth || !isWorthwhile(depth)) return
      const depths = atDepth(model, train, stack, depth)
      const { events } = depths.long
      const wrong = events.map((e, i) => (i === n % events.length ? { ...e, storage: e.storage + 1 } : e))
      const long = { ...depths.long, events: wrong }
      const stretches = stretchesOf(depths.short.events, wrong, depths.kinds)
      const trace = expand({ ...depths, long, stretches })
      // an event of the longer trace that nothing is worked out from does not matter
      if (trace)
        assert.is(difference(trace, simulate(model, train, stack.dialect, { library: stack.library }).events), null)
    }),
    { numRuns: 40, seed: 5 },
  )
})

test.run()

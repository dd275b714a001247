import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { spreadOut } from './spread-out.ts'

const GAP = 14
const HIGH = 400
const places = fc.array(fc.integer({ min: 0, max: HIGH }), { minLength: 1, maxLength: 20 })

test('labels keep their order, their distance and the frame', () => {
  fc.assert(
    fc.property(places, (wanted) => {
      const placed = spreadOut(wanted, GAP, 0, HIGH)
      const order = [...wanted.keys()].sort((a, b) => wanted[a]! - wanted[b]! || a - b)
      for (const [k, i] of order.slice(1).entries()) assert.ok(placed[i]! - placed[order[k]!]! >= GAP - 1e-9)
      assert.ok(placed[order[0]!]! >= -1e-9 && placed[order.at(-1)!]! <= HIGH + 1e-9)
    }),
  )
})

test('labels with room stand where they want to', () => {
  assert.equal(spreadOut([200, 10, 100], GAP, 0, HIGH), [200, 10, 100])
  assert.equal(spreadOut([100, 100], GAP, 0, HIGH), [93, 107])
})

test.run()

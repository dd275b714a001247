import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Requests, type Round, requestsOf, scopeAt } from '../allocate/torch-cuda/index.ts'
import { atDepth, byTurn, isWorthwhile } from './depths.ts'
import { stretchesOf } from './repetition.ts'
import { growRequests } from './requests.ts'
import { settings } from './settings.test.cases.ts'
import { simulate } from './simulate.ts'

/** A request a line: what, for which storage, where. */
function* linesOf(rounds: readonly Round[]): Generator<string> {
  for (const round of rounds) {
    const { bytes, storages, events, buffers } = round.requests
    for (let time = 0; time < round.times; time++) {
      for (const [i, b] of bytes.entries()) {
        const storage = time === 0 ? storages[i]! : storages[i]! + time * round.storageSteps[i]!
        const asked = b < -1 ? buffers[-2 - b] : b
        yield `${asked} ${storage} ${events[i]!.phase} ${scopeAt(round, i, time)} ${events[i]!.op}`
      }
    }
  }
}

const all = ({ load, first, steady }: Requests): string[] =>
  [load, first, steady].flatMap((rounds) => ['part', ...linesOf(rounds)])

/** The first request that is not the other's; null where all are equal. */
function difference(a: readonly string[], b: readonly string[]): string | null {
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => a[i] !== b[i])
  return at === undefined ? null : `${at}: ${a[at]} for ${b[at]}`
}

test('requests worked out from a few layers are those of every layer, one by one', () => {
  let grown = 0
  fc.assert(
    fc.property(settings, ({ model, train, stack }) => {
      const depth = byTurn(model, train)
      if (!depth || !isWorthwhile(depth)) return
      const requests = growRequests(atDepth(model, train, stack, depth))
      if (!requests) return
      grown++
      const { events } = simulate(model, train, stack.dialect, { library: stack.library })
      assert.is(difference(all(requests), all(requestsOf(events))), null)
    }),
    { numRuns: 60, seed: 4 },
  )
  assert.ok(grown > 45, `only ${grown} settings were worked out`)
})

test('a few layers whose storages are numbered otherwise are no account of requests', () => {
  let refused = 0
  fc.assert(
    fc.property(settings, fc.nat(), ({ model, train, stack }, n) => {
      const depth = byTurn(model, train)
      if (!depth || !isWorthwhile(depth)) return
      const depths = atDepth(model, train, stack, depth)
      const { events } = depths.long
      const wrong = events.map((e, i) => (i === n % events.length ? { ...e, storage: e.storage + 1 } : e))
      const stretches = stretchesOf(depths.short.events, wrong, depths.kinds)
      const requests = growRequests({ ...depths, long: { ...depths.long, events: wrong }, stretches })
      if (requests) {
        const whole = simulate(model, train, stack.dialect, { library: stack.library })
        assert.is(difference(all(requests), all(requestsOf(whole.events))), null)
      } else refused++
    }),
    { numRuns: 20, seed: 5 },
  )
  assert.ok(refused > 5, `only ${refused} were refused`)
})

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { settingOfRow } from '../pages/recorded.ts'
import { DEFAULT_STACK, resolveStack, type Stack, simulate } from './index.ts'
import { recordedOrder, type Stream, simulatedOrder, streamsIn } from './streams.test.cases.ts'

const root = new URL('../../../fixtures/pytorch/', import.meta.url)
const on = (name: string, stack: Stack) => streamsIn(new URL(`${name}/`, root)).map((s) => ({ ...s, stack }))

const streams = [
  ...on('events', resolveStack(DEFAULT_STACK)),
  ...on('transformers-4.48-events', resolveStack('transformers-4.48')),
  ...on('transformers-4.45-events', resolveStack('transformers-4.45')),
]

function simulated({ case: c }: Stream['row'], { name, library, dialect }: Stack): string[] {
  const { model, train } = settingOfRow(c, name)
  return simulatedOrder(simulate(model, train, dialect, { steps: 2, library }).events)
}

for (const { row, stack, lines } of streams) {
  test(`${row.case.id} on ${stack.name}: each allocation and release of the steady step, in PyTorch's order`, () => {
    const [got, want] = [simulated(row, stack), recordedOrder(lines)]
    const at = want.findIndex((w, i) => w !== got[i])
    if (at >= 0) assert.equal(got.slice(at - 3, at + 6), want.slice(at - 3, at + 6), `event ${at} of ${want.length}`)
    assert.is(got.length, want.length)
  })
}

test('an engine that never adds in place is told apart', () => {
  const wrong = (s: Stack): Stack => ({ ...s, dialect: { ...s.dialect, accumulatesInPlace: false } })
  const caught = streams.filter((s) => simulated(s.row, wrong(s.stack)).join() !== recordedOrder(s.lines).join())
  assert.is(caught.length, streams.length)
})

test.run()

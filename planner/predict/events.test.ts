import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Recorded, settingOfRow } from '../pages/recorded.ts'
import type { TraceEvent } from '../trace/event.ts'
import { DEFAULT_STACK, resolveStack, type Stack, simulate } from './index.ts'

/** `[phase, bytes, storage, op, module]`: an allocation, or a release where bytes are negative. */
type Line = readonly [phase: string, bytes: number, storage: number, op: string, module: string]

const root = new URL('../../../fixtures/pytorch/', import.meta.url)

/** The whole steady steps in a folder, recorded on a stack. */
const streamsIn = (name: string, stack: Stack) => {
  const folder = new URL(`${name}/`, root)
  return readdirSync(folder)
    .sort()
    .map((f) => {
      const [head, ...lines] = readFileSync(new URL(f, folder), 'utf8').trim().split('\n')
      const row: Pick<Recorded, 'case'> = JSON.parse(head!)
      return { row, stack, lines: lines.map((l): Line => JSON.parse(l)) }
    })
}

const streams = [
  ...streamsIn('events', resolveStack(DEFAULT_STACK)),
  ...streamsIn('transformers-4.48-events', resolveStack('transformers-4.48')),
  ...streamsIn('transformers-4.45-events', resolveStack('transformers-4.45')),
]

/** Bytes in order; a run of releases between two allocations has no order of its own (Python's frames and C++'s differ). */
function order(events: readonly (readonly [phase: string, bytes: number])[]): string[] {
  const result: string[] = []
  let released: string[] = []
  for (const [phase, bytes] of events) {
    if (bytes === 0) continue
    if (bytes < 0) {
      released.push(`${phase} ${bytes}`)
      continue
    }
    result.push(...released.sort(), `${phase} ${bytes}`)
    released = []
  }
  return [...result, ...released.sort()]
}

const recorded = (lines: readonly Line[]): string[] =>
  // AdamW makes one number on its way and lets it go at once.
  order(
    lines
      .filter((l, i) => l[3] !== 'aten::lift_fresh' && lines[i - 1]?.[3] !== 'aten::lift_fresh')
      .map(([p, n]) => [p, n]),
  )

function simulated({ case: c }: Pick<Recorded, 'case'>, { name, library, dialect }: Stack): string[] {
  const { model, train } = settingOfRow(c, name)
  const { events } = simulate(model, train, dialect, { steps: 2, library })
  const moves = events.filter(
    (e): e is Extract<TraceEvent, { action: 'alloc' | 'free' }> =>
      e.step === 1 && (e.action === 'alloc' || e.action === 'free'),
  )
  return order(moves.map((e) => [e.phase, e.action === 'alloc' ? e.bytes : -e.bytes]))
}

for (const { row, stack, lines } of streams) {
  test(`${row.case.id} on ${stack.name}: each allocation and release of the steady step, in PyTorch's order`, () => {
    const [got, want] = [simulated(row, stack), recorded(lines)]
    const at = want.findIndex((w, i) => w !== got[i])
    if (at >= 0) assert.equal(got.slice(at - 3, at + 6), want.slice(at - 3, at + 6), `event ${at} of ${want.length}`)
    assert.is(got.length, want.length)
  })
}

test('an engine that never adds in place is told apart', () => {
  const wrong = (s: Stack): Stack => ({ ...s, dialect: { ...s.dialect, accumulatesInPlace: false } })
  const caught = streams.filter((s) => simulated(s.row, wrong(s.stack)).join() !== recorded(s.lines).join())
  assert.is(caught.length, streams.length)
})

test.run()

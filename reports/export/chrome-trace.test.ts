import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { resolveStack, simulate } from '../../planner/predict/index.ts'
import type { TraceEvent } from '../../planner/trace/event.ts'
import { Replay } from '../../planner/trace/reading.ts'
import { resolveTraining } from '../../planner/training/resolve.ts'
import { renderChromeTrace } from './chrome-trace.ts'

/** An event of the JSON Trace Event Format. */
interface ChromeEvent {
  readonly ph: string
  readonly pid: number
  readonly tid?: number
  readonly name: string
  readonly ts?: number
  readonly dur?: number
  readonly args?: Readonly<Record<string, number | string>>
}

const stack = resolveStack('transformers-5.23')
const spec = specFromCatalog('smollm2-135m', { layers: 2 })
const eventsOf = (method: 'lora' | 'lora-fa'): readonly TraceEvent[] => {
  const { train } = resolveTraining(spec, { method, seq_len: 16 }, { stack: stack.name })
  return simulate(spec, train, stack.dialect, { library: stack.library, steps: 2 }).events
}
const sources = [
  { name: 'predicted', events: eventsOf('lora-fa') },
  { name: 'measured', events: eventsOf('lora') },
]
const { traceEvents } = JSON.parse(renderChromeTrace(sources)) as { traceEvents: ChromeEvent[] }
const of = (pid: number, ph: string): ChromeEvent[] => traceEvents.filter((e) => e.pid === pid && e.ph === ph)

test('two processes, named for what they are, in the order given, each saying that it has no clock', () => {
  assert.equal([...new Set(traceEvents.map((e) => e.pid))], [1, 2])
  for (const [i, { name }] of sources.entries()) {
    const [named, order] = of(i + 1, 'M')
    assert.is(named?.args?.name, `${name} (ts is the number of the event, not a time: a prediction has no clock)`)
    assert.is(order?.args?.sort_index, i + 1)
  }
})

test('slices nest in the order they are read, and none is empty', () => {
  for (const pid of [1, 2]) {
    const open: number[] = []
    let before = 0
    for (const { ts, dur, tid } of of(pid, 'X')) {
      assert.is(tid, 1)
      assert.ok(dur! > 0 && ts! >= before)
      before = ts!
      while (open.length > 0 && open.at(-1)! <= ts!) open.pop()
      // a slice that begins inside another ends inside it
      if (open.length > 0) assert.ok(ts! + dur! <= open.at(-1)!)
      open.push(ts! + dur!)
    }
    assert.is(Math.max(...of(pid, 'X').map((e) => e.ts! + e.dur!)), sources[pid - 1]!.events.length + 1)
  }
})

test('counters: nothing before the first event, then every category at every change, adding up to the live bytes of that event', () => {
  for (const [i, { events }] of sources.entries()) {
    const counters = of(i + 1, 'C')
    assert.is(counters[0]?.ts, 0)
    assert.ok(Object.values(counters[0]!.args!).every((v) => v === 0))
    const replay = new Replay()
    let next = 0
    for (const [ts, e] of events.entries()) {
      replay.apply(e)
      while (counters[next + 1] !== undefined && counters[next + 1]!.ts! <= ts + 1) next++
      const values = Object.values(counters[next]!.args!).map(Number)
      assert.ok(values.every((v) => v >= 0))
      assert.is(
        values.reduce((n, v) => n + v, 0),
        replay.bytes,
      )
    }
  }
})

test('slices are steps, phases, modules with their layers, and operations', () => {
  const names = new Set(of(1, 'X').map((e) => e.name))
  for (const name of ['step 0', 'step 1', 'forward', 'backward', 'optimizer', 'layers.1', 'self_attn', 'linear'])
    assert.ok(names.has(name), name)
})

test.run()

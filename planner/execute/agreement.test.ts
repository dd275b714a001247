import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { divergence } from '../run/equality.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { Simulator } from '../simulate/simulator.ts'
import type { TraceEvent } from '../trace/event.ts'
import { ENGINES } from './engines/engine.ts'
import { loadEngine } from './engines/load.ts'
import { Executor } from './executor.ts'
import { type Case, casesOf, drive, type Operand } from './kernels/operations.test.cases.ts'
import { stream } from './random.ts'

const small = fc.integer({ min: 1, max: 5 })
const shapes = fc.record({
  b: fc.integer({ min: 1, max: 3 }),
  t: small,
  h: small,
  f: small,
  d: fc.integer({ min: 1, max: 3 }),
  v: fc.integer({ min: 2, max: 7 }),
})

/** Which operands train is drawn, too: what is saved depends on it. */
const withTraining = (c: Case, bits: number): Case => ({
  ...c,
  inputs: c.inputs.map((x, i) => x && { ...x, trains: x.trains && ((bits >> i) & 1) === 1 }),
})

const gradientLike = (axes: Operand['axes']): Operand => ({
  axes,
  dtype: 'float32',
  values: Array.from({ length: axes.reduce((n, a) => n * a.size, 1) }, (_, i) => 1 + (i % 3)),
  trains: false,
})

function simulated(c: Case, engine: 'wasm' | 'cpu'): TraceEvent[] {
  const events: TraceEvent[] = []
  const dialect = tfjsDialect(engine)
  const simulator = new Simulator({ dialect, sink: (e) => events.push(e) })
  const make = ({ axes, dtype }: Operand) =>
    simulator.keep(simulator.alloc(axes, dtype === 'int64' ? dialect.integer : dtype, undefined, 'input'))
  drive(simulator, c, make, gradientLike).end()
  return events
}

for (const name of ENGINES) {
  const engine = await loadEngine(name)

  const measured = (c: Case): TraceEvent[] => {
    const before = engine.table.numDataIds()
    const events: TraceEvent[] = []
    const executor = new Executor({ engine, seed: 7, sink: (e) => events.push(e) })
    try {
      const make = ({ axes, dtype, values }: Operand) => executor.keep(axes, dtype, 'input', values, 'operand')
      drive(executor, c, make, gradientLike).end()
    } finally {
      executor.close()
    }
    assert.is(engine.table.numDataIds(), before, `${c.label} leaves storages behind`)
    return events
  }

  test(`${name}: each operation's ledger is the simulated one, event by event, for random shapes`, () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 0, max: 7 }), (sizes, bits) => {
        for (const full of casesOf(sizes, stream(bits))) {
          for (const c of [full, withTraining(full, bits)]) {
            const d = divergence(simulated(c, name), measured(c))
            if (d) assert.unreachable(`${c.label}, training ${bits}: ${JSON.stringify(d)}`)
          }
        }
      }),
      { numRuns: name === 'wasm' ? 60 : 40, seed: 20261124 },
    )
  })

  test.after(() => engine.close())
}

test.run()

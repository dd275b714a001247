import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { divergence } from '../run/equality.ts'
import type { BackwardScripts, Dialect, Script } from '../simulate/dialect.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { Simulator } from '../simulate/simulator.ts'
import type { EngineName } from '../trace/engine-names.ts'
import type { TraceEvent } from '../trace/event.ts'
import { loadEngine } from './engines/load.ts'
import { TESTED_ENGINES } from './engines/tested.test.cases.ts'
import { Executor } from './executor.ts'
import { type Case, casesOf, drive, type Operand, SHORT_TILE } from './kernels/operations.test.cases.ts'
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

function simulated(c: Case, dialect: Dialect): TraceEvent[] {
  const events: TraceEvent[] = []
  const simulator = new Simulator({ dialect, sink: (e) => events.push(e) })
  const make = ({ axes, dtype }: Operand) =>
    simulator.keep(simulator.alloc(axes, dtype === 'int64' ? dialect.integer : dtype, undefined, 'input'))
  drive(simulator, c, make, gradientLike).end()
  return events
}

interface Mutant {
  readonly what: string
  readonly op: string
  readonly dialect: Dialect
}

/** A temporary more, one less, or two lines in the other order: each script once each. */
function* variants(script: Script): Generator<readonly [how: string, script: Script]> {
  yield ['a temporary more', ['extra=scalar', '-extra', ...script]]
  const at = script.findIndex((line) => !line.startsWith('-') && !line.startsWith('@'))
  if (at < 0) return
  const temporary = script[at]!.split('=')[0]!
  yield [`without ${temporary}`, script.filter((line) => line !== script[at] && line !== `-${temporary}`)]
  // A name that changes is no event.
  if (script.findLast((line) => !line.includes('<-')) !== `-${temporary}`) {
    yield [`${temporary} freed last`, [...script.filter((line) => line !== `-${temporary}`), `-${temporary}`]]
  }
}

function* mutants(dialect: Dialect): Generator<Mutant> {
  for (const [key, script] of Object.entries(dialect.forward)) {
    for (const [how, changed] of variants(script ?? [])) {
      const op = key.split('.')[0]!
      yield { what: `${key}: ${how}`, op, dialect: { ...dialect, forward: { ...dialect.forward, [key]: changed } } }
    }
  }
  for (const [key, scripts] of Object.entries(dialect.backward)) {
    for (const [input, script] of Object.entries(scripts ?? {})) {
      if (input === 'order' || typeof script === 'string') continue
      for (const [how, changed] of variants(script ?? [])) {
        const own: BackwardScripts = { ...scripts, [input]: changed }
        const op = key.split('.')[0]!
        yield {
          what: `d ${key}.${input}: ${how}`,
          op,
          dialect: { ...dialect, backward: { ...dialect.backward, [key]: own } },
        }
      }
    }
  }
}

/** Whether a changed dialect still gives a case's measured events: a script that cannot run does not. */
function isBlind(c: Case, dialect: Dialect, truth: readonly TraceEvent[]): boolean {
  try {
    return divergence(simulated(c, dialect), truth) === null
  } catch {
    return false
  }
}

/** The same for the scripts of attention's tiles. */
function* tileMutants(dialect: Dialect): Generator<Mutant> {
  const { tiles } = dialect
  for (const [part, script] of Object.entries(tiles ?? {})) {
    if (typeof script === 'number') continue
    for (const [how, changed] of variants(script)) {
      yield { what: `tile ${part}: ${how}`, op: 'sdpa', dialect: { ...dialect, tiles: { ...tiles!, [part]: changed } } }
    }
  }
}

/** Shapes that are drawn. A software adapter compiles a shader for nearly each of them, and dies of some thousands. */
const RUNS: Readonly<Partial<Record<EngineName, number>>> = { wasm: 60, webgpu: 5 }

for (const name of TESTED_ENGINES) {
  const engine = await loadEngine(name)
  const stated = tfjsDialect(name)
  const dialect: Dialect = { ...stated, tiles: stated.tiles && { ...stated.tiles, size: SHORT_TILE } }

  const measured = (c: Case): TraceEvent[] => {
    const before = engine.table.numDataIds()
    const events: TraceEvent[] = []
    const executor = new Executor({ engine, seed: 7, sink: (e) => events.push(e), tile: SHORT_TILE })
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
            const d = divergence(simulated(c, dialect), measured(c))
            if (d) assert.unreachable(`${c.label}, training ${bits}: ${JSON.stringify(d)}`)
          }
        }
      }),
      { numRuns: RUNS[name] ?? 40, seed: 20261124 },
    )
  })

  test(`${name}: every script of the dialect that is changed is caught`, () => {
    const cases = casesOf({ b: 2, t: 3, h: 4, f: 5, d: 2, v: 6 }, stream(1))
    const truth = new Map(cases.map((c) => [c, measured(c)]))
    const survivors: string[] = []
    let changed = 0
    for (const mutant of [...mutants(dialect), ...tileMutants(dialect)]) {
      changed++
      const mine = cases.filter((c) => c.op === mutant.op)
      if (mine.every((c) => isBlind(c, mutant.dialect, truth.get(c)!))) survivors.push(mutant.what)
    }
    console.log(`\n# ${name}: ${changed - survivors.length} of ${changed} changed scripts caught`)
    assert.ok(changed >= 100)
    assert.equal(survivors, [])
  })

  test.after(() => engine.close())
}

test.run()

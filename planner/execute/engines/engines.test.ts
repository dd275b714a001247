import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Tape } from '../../autograd/tape.ts'
import { axis } from '../../trace/axes.ts'
import { EngineError } from '../errors.ts'
import { Executor } from '../executor.ts'
import { createExecutor } from '../index.ts'
import { probe } from '../probe.ts'
import type { EngineName } from './engine.ts'
import { loadEngine } from './load.ts'
import { TESTED_ENGINES } from './tested.test.cases.ts'
import { guardMalloc, guardWarnings, type WasmBackend } from './wasm.ts'

const quiet = () => undefined
const thrownBy = (body: () => unknown): EngineError => {
  try {
    body()
  } catch (e) {
    if (e instanceof EngineError) return e
    throw e
  }
  throw new Error('nothing was thrown')
}

test('the engines load here and multiply', async () => {
  for (const name of TESTED_ENGINES) {
    const p = await probe(name)
    assert.ok(p.ok && p.gflops > 0, JSON.stringify(p))
  }
})

test('an unknown engine is refused by name', async () => {
  try {
    // A name from a command line has any value.
    await createExecutor({ engine: 'gpu' as EngineName, seed: 0, sink: quiet })
    assert.unreachable()
  } catch (e) {
    assert.instance(e, EngineError)
    assert.is((e as EngineError).code, 'unknown-engine')
  }
})

test('loading wasm leaves the process its last handlers and console.warn', async () => {
  const counts = () => ['uncaughtException', 'unhandledRejection'].map((e) => process.listenerCount(e))
  const [before, warn] = [counts(), console.warn]
  const engine = await loadEngine('wasm')
  assert.equal(counts(), before)
  assert.is.not(console.warn, warn)
  engine.close()
  assert.is(console.warn, warn)
})

test('a malloc that returns 0 throws instead of writing at address 0', () => {
  let left = 3
  const wasm = { _malloc: () => (left-- > 0 ? 64 : 0), _free: quiet, HEAPU8: new Uint8Array(128) }
  // The guard touches these members only.
  guardMalloc(wasm as unknown as WasmBackend['wasm'])
  const malloc = wasm._malloc as (bytes: number) => number
  assert.is(malloc(8), 64)
  guardMalloc(wasm as unknown as WasmBackend['wasm'])
  assert.is(malloc(8), 64)
  const e = thrownBy(() => (wasm._malloc as (bytes: number) => number)(8))
  assert.is(e.code, 'out-of-memory')
  assert.match(e.message, '128 of 4294967296')
})

test('a real allocation beyond the heap is refused, and the engine works on', async () => {
  const engine = await loadEngine('wasm')
  const before = engine.table.numDataIds()
  // Emscripten reports a growth that fails on standard error itself.
  const error = console.error
  console.error = quiet
  // What static data leaves no room for; the size that wraps to nothing; one that wraps to 2 GiB.
  const codes = [2 ** 30 - 2 ** 13, 2 ** 30, 2 ** 30 + 2 ** 29].map(
    (n) => thrownBy(() => engine.zeros([n], 'float32')).code,
  )
  console.error = error
  assert.equal(codes, ['out-of-memory', 'out-of-memory', 'out-of-memory'])
  assert.is(engine.table.numDataIds(), before)
  const x = engine.zeros([4], 'float32')
  x.dispose()
  engine.close()
})

test('a warning of XNNPACK is an error, any other one is printed', () => {
  const printed: unknown[] = []
  const warn = console.warn
  console.warn = (...words: unknown[]) => void printed.push(words[0])
  const undo = guardWarnings()
  console.warn('something else')
  const e = thrownBy(() => console.warn('XNN status for xnn_create_fully_connected_nc_f32 is not successful. Got 6'))
  undo()
  console.warn = warn
  assert.is(e.code, 'engine-warning')
  assert.equal(printed, ['something else'])
})

for (const name of TESTED_ENGINES) {
  test(`${name}: one executor at a time, and only on the engine that tfjs runs on`, async () => {
    const engine = await loadEngine(name)
    const first = new Executor({ engine, seed: 0, sink: quiet })
    assert.is(thrownBy(() => new Executor({ engine, seed: 0, sink: quiet })).code, 'engine-busy')
    const other = await loadEngine(name === 'cpu' ? 'wasm' : 'cpu')
    assert.is(thrownBy(() => first.primitives.number(1)).code, 'engine-not-loaded')
    engine.activate()
    first.primitives.free(first.primitives.number(1))
    first.close()
    new Executor({ engine, seed: 0, sink: quiet }).close()
    engine.close()
    other.close()
  })

  test(`${name}: ids beyond the table, labels beyond the classes and a batch of another size are refused`, async () => {
    const executor = await createExecutor({ engine: name, seed: 0, sink: quiet })
    const [v, h, t] = [axis('V', 3), axis('h', 2), axis('t', 2)]
    const table = executor.keep([v, h], 'float32', 'parameter', [1, 2, 3, 4, 5, 6], 'table')
    const ids = executor.input('input_ids', [t], 'int64', [0, 3])
    const tape = new Tape(executor)
    assert.is(thrownBy(() => tape.embedding(table, ids)).code, 'bad-batch')
    const logs = executor.keep([t, v], 'float32', 'input', [0, 0, 0, 0, 0, 0], 'logs')
    assert.is(thrownBy(() => tape.nllLoss(logs, ids)).code, 'bad-batch')
    assert.is(thrownBy(() => executor.input('labels', [t], 'int64', [1, 2, 3])).code, 'bad-batch')
    const q = executor.keep([v, h], 'float32', 'input', null, 'q')
    const e = thrownBy(() => tape.run('retype', [q], { dtype: 'float32' }))
    assert.is(e.code, 'not-executed')
    assert.match(e.next, '--quantize')
    executor.close()
    executor.engine.close()
  })
}

test.run()

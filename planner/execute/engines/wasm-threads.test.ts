import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EngineError } from '../errors.ts'
import { loadEngine } from './load.ts'
import { THREADS, threadsAsked } from './wasm-threads.ts'

test('one thread where nobody asks; what is no number of threads is refused by name', () => {
  assert.is(threadsAsked({}), 1)
  assert.is(threadsAsked({ [THREADS]: '' }), 1)
  assert.is(threadsAsked({ [THREADS]: '8' }), 8)
  for (const wrong of ['0', '9', '1.5', 'all']) {
    try {
      threadsAsked({ [THREADS]: wrong })
      assert.unreachable(wrong)
    } catch (e) {
      assert.instance(e, EngineError)
      assert.match((e as EngineError).message, `${THREADS} is "${wrong}"`)
    }
  }
})

test('two threads multiply as one does, in the same storages, and let the process end', async () => {
  const size = 300
  const products: number[][] = []
  for (const threads of ['1', '2']) {
    process.env[THREADS] = threads
    const engine = await loadEngine('wasm')
    assert.match(engine.device, threads === '1' ? 'one thread' : '2 threads')
    const [a, b] = [0, 1].map((shift) => {
      const x = engine.zeros([size, size], 'float32')
      const values = engine.values(x)
      for (let i = 0; i < values.length; i++) values[i] = ((i * 7 + shift) % 11) - 5
      return x
    })
    const before = engine.table.numDataIds()
    const c = engine.product(a!, b!)
    assert.is(engine.table.numDataIds(), before + 1)
    products.push([...engine.values(c)])
    for (const x of [a!, b!, c]) x.dispose()
    engine.close()
  }
  assert.equal(products[1], products[0])
})

test.run()

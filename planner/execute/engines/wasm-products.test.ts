import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadEngine } from './load.ts'
import { transposed } from './transposed.ts'
import type { WasmBackend } from './wasm.ts'
import { type ProductShape, WasmProducts } from './wasm-products.ts'

const engine = await loadEngine('wasm')
const core = await import('@tensorflow/tfjs-core')
// As engines/load.ts names it: the class is exported without the members that are used.
const backend = core.backend() as unknown as WasmBackend

const size = fc.integer({ min: 1, max: 40 })
const shapes: fc.Arbitrary<ProductShape> = fc.record({ rows: size, inner: size, columns: size })
const KINDS = ['plain', 'firstTurned', 'secondTurned'] as const

/** `rows × columns` numbers in the heap and as they are read: row by row, or of a turned matrix column by column. */
function operand(rows: number, columns: number, turned: boolean) {
  const x = engine.zeros([rows, columns], 'float32')
  const values = engine.values(x)
  const at = (i: number, j: number) => (turned ? j * rows + i : i * columns + j)
  for (let i = 0; i < values.length; i++) values[i] = ((i * 7 + rows) % 11) - 5
  return { x, at: (i: number, j: number) => engine.values(x)[at(i, j)]! }
}

const addressOf = (x: ReturnType<typeof engine.zeros>) => backend.dataIdMap.get(x.dataId).memoryOffset >>> 0

/** Blocks so small that every loop goes round several times, and the engine's own. */
for (const limits of [{ packed: 4 * 64, scratch: 4 * 40 }, undefined]) {
  const products = new WasmProducts(backend, limits)
  for (const kind of KINDS) {
    test(`${kind} ${limits ? 'in small blocks' : 'as the engine has it'}: sums of products, whole numbers exact`, () => {
      fc.assert(
        fc.property(shapes, (shape) => {
          const { rows, inner, columns } = shape
          const a = operand(rows, inner, kind === 'firstTurned')
          const b = operand(inner, columns, kind === 'secondTurned')
          const out = engine.zeros([rows, columns], 'float32')
          products[kind](addressOf(a.x), addressOf(b.x), addressOf(out), shape)
          const got = [...engine.values(out)]
          const want = got.map((_, at) => {
            const [i, j] = [Math.floor(at / columns), at % columns]
            let sum = 0
            for (let k = 0; k < inner; k++) sum += a.at(i, k) * b.at(k, j)
            return sum
          })
          for (const { x } of [a, b, { x: out }]) x.dispose()
          assert.equal(got, want)
        }),
        { numRuns: 60, seed: 20261125 },
      )
    })
  }
}

test('a matrix and its transpose, inside larger ones', () => {
  const heap = Float32Array.from({ length: 5000 }, (_, i) => i)
  transposed(heap, { at: 3, stride: 50, rows: 35, columns: 40 }, { at: 2500, stride: 36 })
  for (let i = 0; i < 35; i++) for (let j = 0; j < 40; j++) assert.is(heap[2500 + j * 36 + i], 3 + i * 50 + j)
  assert.is(heap[2500 + 35], 2535)
})

test('products leave nothing behind: no storage, no packed copy that outlives a changed weight', () => {
  const products = new WasmProducts(backend, { packed: 256, scratch: 160 })
  const [a, b] = [operand(9, 33, false), operand(33, 17, false)]
  const [one, two] = [engine.zeros([9, 17], 'float32'), engine.zeros([9, 17], 'float32')]
  const storages = engine.table.numDataIds()
  const shape = { rows: 9, inner: 33, columns: 17 }
  products.plain(addressOf(a.x), addressOf(b.x), addressOf(one), shape)
  for (const [i, v] of engine.values(b.x).entries()) engine.values(b.x)[i] = 2 * v
  products.plain(addressOf(a.x), addressOf(b.x), addressOf(two), shape)
  assert.is(engine.table.numDataIds(), storages)
  assert.equal(
    [...engine.values(two)],
    [...engine.values(one)].map((v) => 2 * v),
  )
  for (const x of [a.x, b.x, one, two]) x.dispose()
})

test.after(() => engine.close())
test.run()

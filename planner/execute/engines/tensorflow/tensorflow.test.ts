import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { axis } from '../../../trace/axes.ts'
import type { TraceEvent } from '../../../trace/event.ts'
import { Executor } from '../../executor.ts'
import { adamW } from '../../optimizers/adamw.ts'
import { loadEngine } from '../load.ts'
import { TESTED_ENGINES } from '../tested.test.cases.ts'
import { load } from './engine.ts'
import { NATIVE, nativeStamp } from './native.ts'

const wave = (n: number, by: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(by * i + 1))

for (const name of TESTED_ENGINES.filter((engine) => engine === 'tfjs-node')) {
  const engine = await load(name, 'cpu')

  test(`${name}: a product with a wide turned operand is the plain one of its transpose, in one storage`, () => {
    const [rows, width, wide] = [axis('t', 5), axis('h', 64), axis('f', 96)]
    const events: TraceEvent[] = []
    const executor = new Executor({ engine, seed: 0, sink: (e) => events.push(e) })
    const { primitives: p } = executor
    const x = p.upload(wave(5 * 64, 0.3), [rows, width], 'float32')
    const weight = p.upload(wave(96 * 64, 0.7), [wide, width], 'float32')
    const columns = p.turned(weight, [1, 0])
    const before = events.length
    const y = p.product(x, weight, [rows, wide], 'second')
    const own = events.slice(before)
    const plain = p.product(x, columns, [rows, wide])
    const [got, expected] = [p.values(y), p.values(plain)]
    for (let i = 0; i < expected.length; i++) assert.ok(Math.abs(got[i]! - expected[i]!) < 1e-4, `${i}`)
    assert.equal(
      own.map((e) => [e.action, e.bytes, e.action === 'alloc' ? e.axes : null]),
      [['alloc', 4 * 5 * 96, [rows, wide]]],
    )
    p.free(x, weight, columns, y, plain)
    assert.is(executor.ledger.count, 0)
    executor.close()
  })

  test(`${name}: AdamW takes the step that the loop in TypeScript takes, to the bit`, async () => {
    const n = axis('n', 100_003)
    const stepped = async (on: Awaited<ReturnType<typeof loadEngine>>): Promise<Uint32Array[]> => {
      const executor = new Executor({ engine: on, seed: 0, sink: () => undefined })
      const init = { kind: 'constant', value: 0 } as const
      const base = {
        path: 'weight',
        axes: [n],
        dtype: 'float32',
        trains: true,
        index: 0,
        kind: 'parameter',
        init,
      } as const
      executor.materialize([base], () => wave(n.size, 0.37))
      const leaf = executor.parameter(base).leaf!
      const optimizer = adamW(executor, { lr: 1e-3 })
      const steps = []
      for (const by of [0.11, 1.7, 2.3]) {
        leaf.grad = executor.primitives.upload(wave(n.size, by), [n], 'float32')
        optimizer.step([leaf])
        executor.primitives.free(leaf.grad)
        steps.push(new Uint32Array((await executor.read(leaf.variable)).slice().buffer))
      }
      executor.close()
      return steps
    }
    const plain = await loadEngine('cpu')
    const expected = await stepped(plain)
    plain.close()
    engine.activate()
    const got = await stepped(engine)
    expected.forEach((bits, step) => {
      bits.forEach((b, i) => {
        if (got[step]![i] !== b) throw new Error(`element ${i} of step ${step} differs`)
      })
    })
  })

  test(`${name}: blocks in use and blocks kept are never more than were in use at one time`, () => {
    const sizes = fc.constantFrom(1 << 18, 1 << 19, 3 << 18, 1 << 20, 100)
    const turn = fc.record({ size: sizes, drop: fc.nat(6) })
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
        const live: ReturnType<typeof engine.zeros>[] = []
        for (const { size, drop } of turns) {
          live.push(engine.zeros([size], 'float32'))
          for (const x of live.splice(0, drop > 3 ? 1 : 0)) x.dispose()
          const { inUse, kept, most } = engine.heldBlocks()
          assert.ok(inUse + kept <= most, `${inUse} + ${kept} > ${most}`)
        }
        const { inUse, kept } = engine.heldBlocks()
        const bytes = live.filter((x) => x.size >= 1 << 18).reduce((n, x) => n + 4 * x.size, 0)
        for (const x of live) x.dispose()
        const after = engine.heldBlocks()
        assert.is(after.inUse, inUse - bytes)
        assert.is(after.kept, kept + bytes)
      }),
      { numRuns: 30 },
    )
  })

  test.after(() => engine.close())
}

test('what is compiled into the binding is found, and each of its files counts in its name', () => {
  assert.equal(readdirSync(NATIVE).sort(), ['blocks.h', 'loops.h', 'memory.cc'])
  assert.match(nativeStamp(), /^[0-9a-f]{64}$/)
})

test.run()

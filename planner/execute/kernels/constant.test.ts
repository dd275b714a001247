import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Tape } from '../../autograd/tape.ts'
import type { AttributesOf, OpName } from '../../ops/attributes.ts'
import { type Axes, axis, ONE } from '../../trace/axes.ts'
import { loadEngine } from '../engines/load.ts'
import { TESTED_ENGINES } from '../engines/tested.test.cases.ts'
import { Executor } from '../executor.ts'

type Ids = readonly [axes: Axes, values: readonly number[]]
const [b, t] = [axis('b', 2), axis('t', 4)]
const LOWEST = -3.4028234663852886e38
const _ = LOWEST

for (const name of TESTED_ENGINES) {
  const engine = await loadEngine(name)

  function run<N extends OpName>(op: N, attributes: AttributesOf<N>, ...inputs: (Ids | null)[]): number[][] {
    const executor = new Executor({ engine, seed: 0, sink: () => undefined })
    try {
      const given = inputs.map((x) => x && executor.input('x', x[0], 'int64', x[1]))
      const results = new Tape(executor).runAll(op, given, attributes)
      const values = results.map((v) => [...executor.values(v)])
      for (const v of results) executor.release(v)
      return values
    } finally {
      executor.close()
    }
  }

  test(`${name}: positions, constants and padding`, () => {
    assert.equal(run('positions', { axes: [t] }), [[0, 1, 2, 3]])
    assert.equal(run('constant', { axes: [t], dtype: 'int64', value: 7 }), [[7, 7, 7, 7]])
    const ids: Ids = [
      [b, axis('t', 2)],
      [5, 6, 7, 8],
    ]
    assert.equal(run('pad', { value: -100, name: 't+1' }, ids), [[5, 6, -100, 7, 8, -100]])
  })

  test(`${name}: a query sees itself and what is before it, inside the window, and no padding`, () => {
    const mask = { batch: b, tokens: t, keys: t, dtype: 'float32' } as const
    const one = [0, _, _, _, 0, 0, _, _, 0, 0, 0, _, 0, 0, 0, 0]
    assert.equal(run('causal_mask', { ...mask, window: null }, null), [[...one, ...one]])
    const near = [0, _, _, _, 0, 0, _, _, _, 0, 0, _, _, _, 0, 0]
    const padded = [_, _, _, _, _, 0, _, _, _, 0, 0, _, _, _, 0, 0]
    const padding: Ids = [
      [b, t],
      [1, 1, 1, 1, 0, 1, 1, 1],
    ]
    assert.equal(run('causal_mask', { ...mask, window: 2 }, padding), [[...near, ...padded]])
    const seen = one.map((x) => (x === 0 ? 1 : 0))
    assert.equal(run('causal_mask', { ...mask, window: null, dtype: 'bool' }, null), [[...seen, ...seen]])
  })

  test(`${name}: every query sees all but padding`, () => {
    const mask = { batch: b, tokens: axis('t', 2), keys: t, window: null, bidirectional: true } as const
    const padding: Ids = [
      [b, t],
      [1, 1, 1, 1, 1, 1, 0, 0],
    ]
    const [whole, padded] = [
      [0, 0, 0, 0],
      [0, 0, _, _],
    ]
    const seen = [...whole, ...whole, ...padded, ...padded]
    assert.equal(run('causal_mask', { ...mask, dtype: 'float32' }, padding), [seen])
    assert.equal(run('causal_mask', { ...mask, dtype: 'bool' }, padding), [seen.map((x) => (x === 0 ? 1 : 0))])
  })

  test(`${name}: positions after padding (transformers 5.23, create_position_ids_from_input_ids)`, () => {
    const ids: Ids = [
      [b, t],
      [9, 8, 1, 1, 1, 4, 5, 1],
    ]
    assert.equal(run('position_ids_after_padding', { padId: 1 }, ids), [[2, 3, 1, 1, 1, 2, 3, 1]])
  })

  test(`${name}: positions of a mask (transformers 5.23, OPTDecoder.forward)`, () => {
    const mask: Ids = [
      [b, t],
      [0, 1, 1, 1, 1, 1, 1, 0],
    ]
    assert.equal(run('positions_of_mask', {}, mask), [[-1, 0, 1, 2, 0, 1, 2, -1]])
    assert.equal(run('shifted_ids', { by: 2 }, mask), [[2, 3, 3, 3, 3, 3, 3, 2]])
  })

  test(`${name}: decoder inputs from labels (transformers 5.23, _shift_right)`, () => {
    const labels: Ids = [
      [b, t],
      [3, 4, -100, -100, 5, -100, 6, 7],
    ]
    assert.equal(run('shift_right', { start: 0, pad: 2, ignoreIndex: -100 }, labels), [[0, 3, 4, 2, 0, 5, 2, 6]])
  })

  test(`${name}: T5's buckets (transformers 5.23, _relative_position_bucket)`, () => {
    const far = [-130, -128, -91, -64, -32, -16, -9, -8, -7, -1, 0, 1, 7, 8, 9, 16, 32, 64, 91, 128, 130]
    const both = [15, 15, 15, 14, 12, 10, 8, 8, 7, 1, 0, 17, 23, 24, 24, 26, 28, 30, 31, 31, 31]
    const before = [31, 31, 29, 26, 21, 16, 9, 8, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    const [query, key] = [axis('t', 131), axis('s', 131)]
    for (const [bidirectional, want] of [
      [true, both],
      [false, before],
    ] as const) {
      const [all] = run('relative_buckets', { query, key, bidirectional, buckets: 32, maxDistance: 128 })
      const got = far.map((d) => all![Math.max(0, -d) * 131 + Math.max(0, d)])
      assert.equal(got, [...want])
    }
  })

  test(`${name}: cos and sin of position × frequency, the frequencies twice`, () => {
    const executor = new Executor({ engine, seed: 0, sink: () => undefined })
    const frequencies = executor.keep([axis('d/2', 2)], 'float32', 'buffer', [1, 0.25], 'inv_freq')
    const ids = executor.input('position_ids', [ONE, axis('t', 2)], 'int64', [0, 3])
    const attributes = { width: axis('d', 4), theta: 1e4, scaling: 1, dtype: 'float32' } as const
    const [cos, sin] = new Tape(executor).runAll('rotary_table', [frequencies, ids], attributes)
    const [c, s] = [[...executor.values(cos!)], [...executor.values(sin!)]]
    for (const v of [cos!, sin!]) executor.release(v)
    executor.close()
    assert.equal(c, [1, 1, 1, 1, Math.cos(3), Math.cos(0.75), Math.cos(3), Math.cos(0.75)].map(Math.fround))
    assert.equal(s, [0, 0, 0, 0, Math.sin(3), Math.sin(0.75), Math.sin(3), Math.sin(0.75)].map(Math.fround))
  })

  test.after(() => engine.close())
}

test.run()

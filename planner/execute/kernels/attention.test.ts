import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Tape } from '../../autograd/tape.ts'
import type { Parameter } from '../../ops/ops.ts'
import { type Axes, axis, numel } from '../../trace/axes.ts'
import { loadEngine } from '../engines/load.ts'
import { TESTED_ENGINES } from '../engines/tested.test.cases.ts'
import { Executor } from '../executor.ts'
import { stream } from '../random.ts'

const [b, a, k, t, d] = [axis('b', 2), axis('a', 4), axis('k', 2), axis('t', 7), axis('d', 3)]
const AXES: readonly Axes[] = [
  [b, a, t, d],
  [b, k, t, d],
  [b, k, t, d],
]
const SDPA = { causal: true, scale: 0.5, grouped: true }

for (const name of TESTED_ENGINES) {
  const engine = await loadEngine(name)

  /** Σ w · attention(q, k, v) under dropout, blocks of `tile` tokens, at values moved by `by` along a fixed direction; and the slope. */
  function run(by: number, dropout: number, tile: number, seed = 5): { value: number; slope: number; peak: number } {
    let [live, peak] = [0, 0]
    const executor = new Executor({
      engine,
      seed,
      tile,
      sink: (e) => {
        if (e.action === 'alloc') live += e.bytes
        if (e.action === 'free') live -= e.bytes
        peak = Math.max(peak, live)
      },
    })
    try {
      const [random, aside] = [stream(3), stream(4)]
      const directions = AXES.map((axes) => Float32Array.from({ length: numel(axes) }, () => aside() - 0.5))
      const init = { kind: 'constant', value: 0 } as const
      const parameters = AXES.map((axes, index): Parameter => {
        return { path: `p.${index}`, axes, dtype: 'float32', trains: true, index, kind: 'parameter', init }
      })
      executor.materialize(parameters, (p) => directions[p.index]!.map((v) => 4 * random() - 2 + by * v))
      const w = executor.input(
        'w',
        AXES[0]!,
        'float32',
        Float32Array.from({ length: numel(AXES[0]!) }, () => random()),
      )
      const tape = new Tape(executor)
      executor.position.phase = 'forward'
      const [q, key, v] = parameters.map((p) => executor.parameter(p))
      const loss = tape.mul(tape.run('sdpa', [q!, key!, v!, null], { ...SDPA, dropout }), w)
      tape.hold(loss)
      let value = 0
      for (const x of executor.values(loss)) value += x
      executor.position.phase = 'backward'
      tape.backward(loss)
      let slope = 0
      for (const p of parameters) {
        const { leaf } = executor.parameter(p)
        const g = executor.values(leaf!.grad!)
        for (let i = 0; i < g.length; i++) slope += g[i]! * directions[p.index]![i]!
        tape.zeroGrad(leaf!)
      }
      tape.finish(loss)
      return { value, slope, peak }
    } finally {
      executor.close()
    }
  }

  test(`${name}: with dropout the gradient is the slope: a block meets the mask of its forward again`, () => {
    const step = 1e-2
    for (const dropout of [0, 0.3]) {
      for (const tile of [2, 3, 128]) {
        const { slope } = run(0, dropout, tile)
        const measured = (run(step, dropout, tile).value - run(-step, dropout, tile).value) / (2 * step)
        assert.ok(Math.abs(measured / slope - 1) < 5e-3, `${measured} measured, ${slope} computed, blocks of ${tile}`)
      }
    }
  })

  test(`${name}: blocks of any length give the same without dropout, and another seed another mask`, () => {
    const whole = run(0, 0, 128)
    for (const tile of [1, 2, 3, 5]) {
      assert.ok(Math.abs(run(0, 0, tile).value / whole.value - 1) < 1e-5)
      assert.ok(Math.abs(run(0, 0, tile).slope / whole.slope - 1) < 1e-5)
    }
    assert.is(run(0, 0.3, 3).value, run(0, 0.3, 3).value)
    assert.is.not(run(0, 0.3, 3).value, run(0, 0.3, 3, 6).value)
  })

  test(`${name}: shorter blocks need less at once: no scores of all tokens exist`, () => {
    assert.ok(run(0, 0, 2).peak < run(0, 0, 128).peak)
  })

  test.after(() => engine.close())
}

test.run()

import { readFileSync } from 'node:fs'
import type { Tensor } from '@tensorflow/tfjs-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import { axis } from '../../trace/axes.ts'
import type { TraceEvent } from '../../trace/event.ts'
import { loadEngine } from '../engines/load.ts'
import { TESTED_ENGINES } from '../engines/tested.test.cases.ts'
import { Executor } from '../executor.ts'
import { adamW } from './adamw.ts'
import { inverse } from './inverse.ts'
import { loraFa } from './lorafa.ts'
import { sgd } from './sgd.ts'

interface Recorded {
  readonly shape: number[]
  readonly data: string
}
interface Fixture {
  readonly adapter: { r: number; alpha: number } | null
  readonly parameters: Record<string, Recorded>
  readonly gradients: Record<string, Recorded>
  readonly after_step: {
    optimizer: string
    lr: number
    eps: number
    weight_decay: number
    product?: 'float32' | 'bfloat16'
    parameters: Record<string, Recorded>
  }
}

const fixture = (id: string): Fixture =>
  JSON.parse(readFileSync(new URL(`../../../../fixtures/gate/${id}.json`, import.meta.url), 'utf8')) as Fixture

function decode({ data }: Recorded): Float32Array {
  const bytes = Buffer.from(data, 'base64')
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

function executorOf(f: Fixture, engine: Awaited<ReturnType<typeof loadEngine>>) {
  const events: TraceEvent[] = []
  const executor = new Executor({ engine, seed: 0, sink: (e) => events.push(e) })
  const parameters = Object.entries(f.parameters).map(([path, { shape }], index): Parameter => {
    const axes = shape.map((size, i) => axis(`n${i}`, size))
    const init = { kind: 'constant', value: 0 } as const
    return { path, axes, dtype: 'float32', trains: path in f.gradients, index, kind: 'parameter', init }
  })
  executor.materialize(parameters, (p) => decode(f.parameters[p.path]!))
  const leaves = parameters.filter((p) => p.trains).map((p) => executor.parameter(p).leaf!)
  for (const leaf of leaves) {
    const path = leaf.parameter!.path
    leaf.grad = executor.primitives.upload(decode(f.gradients[path]!), leaf.variable.axes, 'float32')
  }
  return { executor, events, parameters, leaves }
}

/** Largest distance of the step taken from the recorded one, in units of the largest step. */
function stepError(f: Fixture, leaves: readonly Leaf<Tensor>[], values: (leaf: Leaf<Tensor>) => ArrayLike<number>) {
  let [far, large] = [0, 0]
  for (const leaf of leaves) {
    const path = leaf.parameter!.path
    const [before, after, got] = [decode(f.parameters[path]!), decode(f.after_step.parameters[path]!), values(leaf)]
    for (let i = 0; i < before.length; i++) {
      far = Math.max(far, Math.abs(got[i]! - after[i]!))
      large = Math.max(large, Math.abs(after[i]! - before[i]!))
    }
  }
  return far / large
}

for (const name of TESTED_ENGINES) {
  const engine = await loadEngine(name)

  for (const id of ['llama-full-1', 'llama-lora-1', 't5-lora-fa-1']) {
    test(`${name}: AdamW takes torch.optim.AdamW's step of ${id}`, () => {
      const f = fixture(id)
      const { executor, events, leaves } = executorOf(f, engine)
      const { lr, eps, weight_decay: weightDecay } = f.after_step
      assert.is(f.after_step.optimizer, 'adamw')
      const before = events.length
      adamW(executor, { lr, eps, weightDecay }).step(leaves)
      const off = stepError(f, leaves, (leaf) => executor.values(leaf.variable))
      const made = events.slice(before)
      executor.close()
      for (const leaf of leaves) leaf.grad!.data.dispose()
      assert.ok(off < 1e-4, `${off}`)
      assert.is(made.length, 2 * leaves.length)
      assert.ok(made.every((e) => e.action === 'alloc' && e.category === 'optimizer state' && e.op === 'state'))
    })
  }

  for (const id of ['llama-lora-fa-1', 'llama-lora-fa-2']) {
    test(`${name}: LoRA-FA's optimizer takes PEFT's step of ${id}`, () => {
      const f = fixture(id)
      const { executor, parameters, leaves } = executorOf(f, engine)
      const { lr, eps, weight_decay: weightDecay, product } = f.after_step
      assert.is(f.after_step.optimizer, 'lorafa')
      const scaling = f.adapter!.alpha / f.adapter!.r
      loraFa(executor, { lr, eps, weightDecay, scaling, parameters, product: product ?? 'float32' }).step(leaves)
      const off = stepError(f, leaves, (leaf) => executor.values(leaf.variable))
      executor.close()
      for (const leaf of leaves) leaf.grad!.data.dispose()
      console.log(
        `\n# ${name}: ${id} (PEFT's product in ${product}) off by ${off.toExponential(1)} of the largest step`,
      )
      assert.ok(off < 1e-3, `${off}`)
    })
  }

  test(`${name}: SGD steps in place and keeps nothing`, () => {
    const f = fixture('llama-lora-1')
    const { executor, events, leaves } = executorOf(f, engine)
    const before = events.length
    sgd(executor, { lr: 0.5 }).step(leaves)
    const leaf = leaves[0]!
    const path = leaf.parameter!.path
    const [p, g] = [decode(f.parameters[path]!), decode(f.gradients[path]!)]
    const got = Float32Array.from(executor.values(leaf.variable))
    executor.close()
    for (const l of leaves) l.grad!.data.dispose()
    assert.is(events.length, before)
    for (let i = 0; i < p.length; i++) assert.ok(Math.abs(got[i]! - (p[i]! - 0.5 * g[i]!)) < 1e-6)
  })

  test.after(() => engine.close())
}

test('the inverse of a matrix times the matrix is one', () => {
  const m = Float64Array.from([4, 1, 2, 1, 3, 0, 2, 0, 5])
  const i = inverse(m, 3)
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c < 3; c++) {
      let sum = 0
      for (let k = 0; k < 3; k++) sum += m[r * 3 + k]! * i[k * 3 + c]!
      assert.ok(Math.abs(sum - (r === c ? 1 : 0)) < 1e-12)
    }
  }
  assert.throws(() => inverse(new Float64Array(4), 2))
})

test.run()

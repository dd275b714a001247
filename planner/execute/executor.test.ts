import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Tape } from '../autograd/tape.ts'
import type { Parameter } from '../ops/ops.ts'
import { type Axes, axis, numel } from '../trace/axes.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { Engine } from './engines/engine.ts'
import { loadEngine } from './engines/load.ts'
import { TESTED_ENGINES } from './engines/tested.test.cases.ts'
import { Executor } from './executor.ts'
import type { Num } from './kernels/primitives.ts'
import { adamW } from './optimizers/adamw.ts'
import { stream } from './random.ts'

const [b, t, h, f, r, v] = [axis('b', 2), axis('t', 4), axis('h', 6), axis('f', 10), axis('r', 2), axis('V', 9)]
const [a, d] = [axis('a', 2), axis('d', 3)]

function declare(path: string, axes: Axes, index: number, trains: boolean): Parameter {
  return { path, axes, dtype: 'float32', trains, index, kind: 'parameter', init: { kind: 'normal', std: 0.3 } }
}

const SHAPES: readonly [string, Axes][] = [
  ['embed.weight', [v, h]],
  ['norm.weight', [h]],
  ['norm.bias', [h]],
  ['attention.weight', [h, h]],
  ['up.weight', [f, h]],
  ['up.bias', [f]],
  ['up.lora_A.default.weight', [r, h]],
  ['up.lora_B.default.weight', [f, r]],
  ['down.weight', [h, f]],
]

/** A block with attention, a norm, an adapter and both activations, and its loss. */
class Block {
  readonly executor: Executor
  readonly events: TraceEvent[] = []
  readonly parameters: readonly Parameter[]
  readonly #ids: Num
  readonly #labels: Num
  readonly #dropout: number

  constructor(engine: Engine, trains: (path: string) => boolean, dropout = 0) {
    this.executor = new Executor({ engine, seed: 3, sink: (e) => this.events.push(e), audited: true })
    this.parameters = SHAPES.map(([path, axes], i) => declare(path, axes, i, trains(path)))
    const random = stream(11)
    this.executor.materialize(this.parameters, (p) => Array.from({ length: numel(p.axes) }, () => random() - 0.5))
    const below = (n: number) => Array.from({ length: 8 }, () => Math.floor(random() * n))
    this.#ids = this.executor.input('input_ids', [b, t], 'int64', below(v.size))
    this.#labels = this.executor.input('labels', [axis('b·t', 8)], 'int64', below(h.size))
    this.#dropout = dropout
  }

  /** The loss, and the gradients where `backward`. */
  run(backward: boolean): number {
    const { executor } = this
    const tape = new Tape(executor)
    const { position } = executor
    position.phase = 'forward'
    const at = (i: number) => executor.parameter(this.parameters[i]!)
    const loss = tape.call([], (s) => {
      let x = s.let(tape.embedding(at(0), this.#ids))
      x = s.set(x, tape.layerNorm(x, at(1), at(2), 1e-5))
      const q = s.let(tape.transpose(tape.view(tape.linear(x, at(3)), [b, t, a, d]), 1, 2))
      const scores = tape.softmax(tape.mulScalar(tape.matmul(q, tape.transpose(q, 2, 3)), 0.5))
      let out = s.let(tape.matmul(scores, q))
      out = s.set(out, tape.reshape(tape.contiguous(tape.transpose(out, 1, 2)), [b, t, h]))
      x = s.set(x, tape.add(x, out))
      const dropped = s.let(tape.dropout(x, this.#dropout))
      const adapted = tape.mulScalar(tape.linear(tape.linear(dropped, at(6)), at(7)), 2)
      const up = s.let(tape.add(tape.linear(x, at(4), at(5)), adapted))
      const y = s.let(tape.linear(tape.mul(tape.silu(up), tape.gelu(up, 'tanh')), at(8)))
      const logs = tape.logSoftmax(tape.view(y, [axis('b·t', 8), h]))
      return tape.nllLoss(logs, this.#labels)
    })
    tape.hold(loss)
    const value = executor.values(loss)[0]!
    position.phase = 'backward'
    if (backward) tape.backward(loss)
    position.phase = 'optimizer'
    position.op = 'del loss'
    tape.finish(loss)
    return value
  }

  leaves() {
    return this.parameters.filter((p) => p.trains).map((p) => this.executor.parameter(p).leaf!)
  }

  zeroGrad(): void {
    const tape = new Tape(this.executor)
    for (const leaf of this.leaves()) tape.zeroGrad(leaf)
  }

  values(path: string): Float32Array {
    return Float32Array.from(
      this.executor.values(this.executor.parameter(this.parameters.find((p) => p.path === path)!)),
    )
  }
}

const everything = () => true
const loraFa = (path: string) => path.includes('lora_B')

for (const name of TESTED_ENGINES) {
  const engine = await loadEngine(name)

  test(`${name}: gradients are the loss's slope along a random direction`, () => {
    const block = new Block(engine, everything, 0.2)
    const { executor } = block
    block.run(true)
    const random = stream(5)
    const directions = block
      .leaves()
      .map((l) => Float64Array.from({ length: numel(l.variable.axes) }, () => random() - 0.5))
    let slope = 0
    block.leaves().forEach((leaf, i) => {
      const g = executor.values(leaf.grad!)
      for (let j = 0; j < g.length; j++) slope += g[j]! * directions[i]![j]!
    })
    block.zeroGrad()
    const shift = (by: number) =>
      block.leaves().forEach((leaf, i) => {
        const p = executor.values(leaf.variable)
        for (let j = 0; j < p.length; j++) p[j] = p[j]! + by * directions[i]![j]!
      })
    const step = 2e-3
    // A dropout of another step in between: the same step then begins anew, with the same masks.
    const again = (by: number): number => {
      shift(by)
      executor.position.step = 99
      executor.release(new Tape(executor).dropout(executor.parameter(block.parameters[1]!), 0.5))
      executor.position.step = 0
      return block.run(false)
    }
    const [plus, minus] = [again(step), again(-2 * step)]
    executor.close()
    const measured = (plus - minus) / (2 * step)
    assert.ok(Math.abs(measured - slope) <= 1e-2 * Math.abs(slope), `${measured} against ${slope}`)
  })

  test(`${name}: a step leaves only what is static and its gradients, and closing leaves nothing`, () => {
    const before = engine.table.numDataIds()
    const block = new Block(engine, everything, 0.1)
    const fixed = block.executor.ledger.bytes
    block.run(true)
    const gradients = SHAPES.reduce((n, [, axes]) => n + 4 * numel(axes), 0)
    assert.is(block.executor.ledger.bytes, fixed + gradients)
    block.zeroGrad()
    assert.is(block.executor.ledger.bytes, fixed)
    block.run(false)
    assert.is(block.executor.ledger.bytes, fixed)
    block.executor.close()
    assert.is(engine.table.numDataIds(), before)
  })

  test(`${name}: under LoRA-FA A stays bit for bit, B changes, and the loss falls`, () => {
    const block = new Block(engine, loraFa)
    const optimizer = adamW(block.executor, { lr: 0.02 })
    const frozen = SHAPES.map(([path]) => path).filter((path) => !loraFa(path))
    const before = frozen.map((path) => block.values(path))
    const b0 = block.values('up.lora_B.default.weight')
    const losses: number[] = []
    for (let step = 0; step < 20; step++) {
      block.executor.position.step = step
      losses.push(block.run(true))
      optimizer.step(block.leaves())
      block.zeroGrad()
    }
    const after = frozen.map((path) => block.values(path))
    const b1 = block.values('up.lora_B.default.weight')
    block.executor.close()
    assert.equal(after, before)
    assert.not.equal(b1, b0)
    for (let i = 1; i < losses.length; i++) assert.ok(losses[i]! < losses[i - 1]!, `step ${i}: ${losses}`)
  })

  test(`${name}: what LoRA keeps for dA, LoRA-FA does not`, () => {
    const savedBy = (trains: (path: string) => boolean) => {
      const block = new Block(engine, trains)
      block.run(true)
      block.zeroGrad()
      block.executor.close()
      return block.events.flatMap((e) => (e.action === 'save' && e.op === 'linear' ? [`${e.why} ${e.bytes}`] : []))
    }
    const lora = savedBy((path) => path.includes('lora'))
    const fa = savedBy(loraFa)
    // x [b·t, h] for dA; B for dXA is only wanted while A trains.
    assert.equal(
      lora.filter((s) => s.startsWith('dW')),
      [`dW ${4 * 8 * h.size}`, `dW ${4 * 8 * r.size}`],
    )
    assert.equal(
      fa.filter((s) => s.startsWith('dW')),
      [`dW ${4 * 8 * r.size}`],
    )
  })

  test(`${name}: masks are the same for a seed and step, and their rate is p`, () => {
    const maskOf = (seed: number, step: number) => {
      const executor = new Executor({ engine, seed, sink: () => undefined })
      const n = axis('n', 4000)
      const x = executor.keep([n], 'float32', 'input', new Float32Array(4000).fill(1), 'x')
      Object.assign(executor.position, { step, phase: 'forward' })
      const tape = new Tape(executor)
      const [one, two] = [tape.dropout(x, 0.25), tape.dropout(x, 0.25)]
      const values = [one, two].map((y) => [...executor.values(y)])
      for (const y of [one, two]) executor.release(y)
      executor.close()
      return values
    }
    const [first, second] = maskOf(1, 0)
    assert.equal(maskOf(1, 0), [first, second])
    assert.not.equal(first, second)
    assert.not.equal(maskOf(2, 0)[0], first)
    assert.not.equal(maskOf(1, 1)[0], first)
    assert.ok(first!.every((x) => x === 0 || x === Math.fround(1 / 0.75)))
    const rate = first!.filter((x) => x === 0).length / 4000
    assert.ok(Math.abs(rate - 0.25) < 0.03, `${rate}`)
  })

  test(`${name}: every event has its place, and storages are freed once`, () => {
    const block = new Block(engine, everything)
    block.run(true)
    block.zeroGrad()
    block.executor.close()
    const live = new Map<number, number>()
    block.events.forEach((e, i) => {
      assert.is(e.seq, i)
      if (e.action === 'alloc') {
        assert.not.ok(live.has(e.storage))
        live.set(e.storage, e.bytes)
        assert.is(numel(e.axes) * (e.dtype === 'bool' ? 1 : 4), e.bytes)
      } else {
        assert.is(live.get(e.storage), e.bytes, `${e.action} of ${e.storage}`)
        if (e.action === 'free') live.delete(e.storage)
      }
    })
    assert.is(live.size, SHAPES.length + 2)
  })

  test.after(() => engine.close())
}

test.run()

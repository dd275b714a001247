import { specFromCatalog } from '../../models/index.ts'
import { networkOf } from '../network/index.ts'
import { simulate } from '../predict/simulate.ts'
import { divergence } from '../run/equality.ts'
import { batchValues, initialValues } from '../run/values.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { tfjsOptimizer } from '../simulate/optimizers/tfjs.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { TrainSpec } from '../training/spec.ts'
import { trainStep } from '../training/step.ts'
import { adamW, createExecutor } from './index.ts'

const [engine, name, method, tokens] = process.argv.slice(2) as ['wasm', string, TrainSpec['method'], string]
const model = specFromCatalog(name)
const train = {
  method,
  batch: 1,
  tokens: Number(tokens),
  targetTokens: Number(tokens),
  dtype: 'float32',
  autocast: 'none',
  attention: 'eager',
  padding: false,
  optimizer: 'adamw',
  optimizerImpl: 'for-loop',
  checkpointing: 'none',
  task: model.task,
  adapter:
    method === 'full'
      ? null
      : { rank: 8, alpha: 16, dropout: 0, targets: ['all-linear'], dtype: 'base', rslora: false },
} as unknown as TrainSpec
const network = networkOf(model, train)
const events: TraceEvent[] = []
const ex = await createExecutor({ engine, seed: 1, sink: (e) => events.push(e) })
const ops = new Map<string, number>()
let t0 = performance.now()
ex.materialize([...network.parameters, ...network.buffers], (p) => initialValues(p, 1))
const batch = Object.fromEntries(
  network.inputs.map((i) => [i.name, ex.input(i.name, i.axes, i.dtype, batchValues(i, 1000, 1))]),
)
console.log('materialize', performance.now() - t0)
const inner = ex.operation.bind(ex)
ex.operation = ((op: 'add') => {
  const k = inner(op)
  const timed = (n: string, f: (c: never) => unknown) => (c: never) => {
    const s = performance.now()
    const r = f(c)
    ops.set(n, (ops.get(n) ?? 0) + performance.now() - s)
    return r
  }
  return { forward: timed(op, (c) => k.forward(c)), backward: timed(op + ' b', (c) => k.backward(c)) }
}) as never
const opt = adamW(ex, { lr: 1e-3 })
for (let step = 0; step < 2; step++) {
  t0 = performance.now()
  let f = 0,
    b = 0,
    loss = 0
  trainStep(
    ex,
    network,
    batch as never,
    {
      step(l) {
        b = performance.now()
        opt.step(l)
      },
    },
    step,
    {
      onLoss: (v) => {
        f = performance.now()
        loss = ex.values(v)[0]!
      },
    },
  )
  console.log(
    'step',
    step,
    'loss',
    loss,
    'fwd',
    (f - t0).toFixed(0),
    'bwd',
    (b - f).toFixed(0),
    'opt',
    (performance.now() - b).toFixed(0),
    'heap',
    ex.engine.heapBytes()! / 2 ** 20,
    'live MiB',
    ex.ledger.bytes / 2 ** 20,
  )
}
console.log(
  [...ops]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 16)
    .map(([k, v]) => `${k} ${v.toFixed(0)}`)
    .join(' | '),
)
const sim = simulate(model, train, tfjsDialect(engine), { steps: 2, optimizer: (s) => tfjsOptimizer(s, 'adamw') })
console.log(events.length, divergence(sim.events, events))
let live = 0,
  peak = 0
for (const e of events) {
  if (e.action === 'alloc') live += e.bytes
  if (e.action === 'free') live -= e.bytes
  peak = Math.max(peak, live)
}
console.log('peak MiB', peak / 2 ** 20)

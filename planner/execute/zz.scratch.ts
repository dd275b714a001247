import { readFileSync } from 'node:fs'
import { specFromConfig } from '../../models/index.ts'
import { networkOf } from '../network/index.ts'
import { simulate } from '../predict/simulate.ts'
import { divergence } from '../run/equality.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { tfjsOptimizer } from '../simulate/optimizers/tfjs.ts'
import { numel } from '../trace/axes.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { TrainSpec } from '../training/spec.ts'
import { leavesOf, trainStep } from '../training/step.ts'
import { adamW, createExecutor } from './index.ts'

const decode = (s: string) => {
  const b = Buffer.from(s, 'base64')
  return new Float32Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.length))
}
for (const file of process.argv.slice(3)) {
  const f = JSON.parse(readFileSync(`/work/main/fixtures/gate/${file}.json`, 'utf8'))
  const model = specFromConfig(f.config, { name: f.id })
  const [b, t] = [f.batch.input_ids.length, f.batch.input_ids[0].length]
  const train: TrainSpec = {
    method: f.method,
    batch: b,
    tokens: t,
    targetTokens: f.batch.labels[0]?.length ?? 1,
    dtype: 'float32',
    autocast: 'none',
    attention: 'eager',
    padding: 'attention_mask' in f.batch,
    optimizer: 'adamw',
    optimizerImpl: 'for-loop',
    checkpointing: process.env['CK'] ?? 'none',
    task: model.task,
    adapter: f.adapter
      ? {
          rank: f.adapter.r,
          alpha: f.adapter.alpha,
          dropout: Number(process.env['DROP'] ?? 0),
          targets: f.adapter.targets,
          dtype: 'base',
          rslora: f.adapter.rslora === true,
        }
      : null,
  } as unknown as TrainSpec
  const network = networkOf(model, train)
  const engine = process.argv[2] as 'wasm' | 'cpu'
  const events: TraceEvent[] = []
  const ex = await createExecutor({ engine, seed: 1, sink: (e) => events.push(e) })
  const initial = (p: { path: string; axes: never; init: { kind: string; value?: number; theta?: number } }) => {
    const e = f.parameters[p.path]
    if (e) return decode(e.data)
    const n = numel(p.axes)
    const v = new Float32Array(n)
    if (p.init.kind === 'inverse_frequencies') return v.map((_, i) => p.init.theta! ** (-i / n))
    if (p.init.kind === 'arange') return v.map((_, i) => i)
    if (p.init.kind === 'constant') return v.fill(p.init.value!)
    throw new Error(`no ${p.path}`)
  }
  ex.materialize([...network.parameters, ...network.buffers], initial as never)
  const batch = Object.fromEntries(
    network.inputs.map((i) => [i.name, ex.input(i.name, i.axes, i.dtype, f.batch[i.name].flat())]),
  )
  let loss = NaN
  const grads = new Map<string, Float32Array>()
  const opt = adamW(ex, { lr: 1e-3 })
  const started = performance.now()
  trainStep(
    ex,
    network,
    batch as never,
    {
      step(ls) {
        for (const l of ls) if (l.grad) grads.set(l.parameter!.path, Float32Array.from(ex.values(l.grad)))
        opt.step(ls)
      },
    },
    0,
    {
      onLoss: (v) => {
        loss = ex.values(v)[0]!
      },
    },
  )
  const ms = performance.now() - started
  let worst = 0,
    at = ''
  for (const [path, g] of Object.entries(f.gradients as Record<string, { data: string }>)) {
    const want = decode(g.data),
      got = grads.get(path)
    if (!got) {
      console.log('missing', path)
      continue
    }
    let d = 0,
      m = 0
    for (let i = 0; i < want.length; i++) {
      d = Math.max(d, Math.abs(want[i]! - got[i]!))
      m = Math.max(m, Math.abs(want[i]!))
    }
    const r = d / (m || 1)
    if (!(r <= worst)) {
      worst = r
      at = path
    }
  }
  const sim = simulate(model, train, tfjsDialect(engine), { steps: 1, optimizer: (s) => tfjsOptimizer(s, 'adamw') })
  console.log(
    file,
    engine,
    'loss',
    loss,
    f.loss,
    'worst',
    worst,
    at,
    ms.toFixed(0) + 'ms',
    events.length,
    sim.events.length,
    divergence(sim.events, events),
  )
  void leavesOf
  ex.close()
  ex.engine.close()
}

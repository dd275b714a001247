// Prints how much of an engine's own plain product a whole training step reaches, for a LLaMA-7B-width layer. Machines are noisy: the
// plain product, a step of LoRA and one of LoRA-FA take turns in one process, and of each the fastest counts. What of that step's time
// went into products and into the optimizer stands beside it.
// usage: node build/bench-engines.mjs [ENGINE …] [TOKENS …]
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = (path) => import(join(root, 'dist', path))
const median = (xs) => [...xs].sort((a, b) => a - b)[xs.length >> 1]

/** Methods that take turns in one process: full fine-tuning leaves wasm no room for others. */
const TURNS = [['full'], ['lora', 'lora-fa']]
/** Batch 1: a short step, and one as long as a real one, in which what goes by the weights (the optimizer, packing) weighs less. */
const LENGTHS = [256, 1024]
const ROUNDS = 5
const LAYER = { architectures: ['LlamaForCausalLM'], model_type: 'llama', torch_dtype: 'float32', num_hidden_layers: 1 }
// A small vocabulary: the layer is what is timed, and with the whole one its gradients would not fit into wasm's 4 GiB.
const WIDTHS = { hidden_size: 4096, intermediate_size: 11008, num_attention_heads: 32, vocab_size: 256 }

/** Milliseconds of the clock and of this process's threads. */
const clocks = () => {
  const { user, system } = process.cpuUsage()
  return { ms: performance.now(), cpu: (user + system) / 1e3 }
}
const since = (start) => {
  const now = clocks()
  return { ms: now.ms - start.ms, cpu: now.cpu - start.cpu }
}
const timed = (body) => {
  const start = clocks()
  body()
  return since(start)
}
/** The least of each clock. */
const least = (times) => ({
  ms: Math.min(...times.map((t) => t.ms)),
  cpu: Math.min(...times.map((t) => t.cpu)),
})

/** Adds up the time that calls of a method take. */
function watched(object, name) {
  const spent = { ms: 0 }
  const method = object[name].bind(object)
  object[name] = (...args) => {
    const t = performance.now()
    try {
      return method(...args)
    } finally {
      spent.ms += performance.now() - t
    }
  }
  return spent
}

/** Least time of the engine's product of the layer's widest linear, the weight on the side where it is faster. */
function plain(engine, tokens) {
  const { hidden_size: h, intermediate_size: f } = WIDTHS
  const tried = [
    [f, h, tokens],
    [tokens, h, f],
  ].map(([n, k, m]) => {
    const [a, b] = [engine.zeros([n, k], 'float32'), engine.zeros([k, m], 'float32')]
    for (const x of [a, b]) engine.values(x).fill(0.5)
    const once = () =>
      timed(() => engine.run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false }).dispose())
    once()
    const best = least([once(), once(), once()])
    a.dispose()
    b.dispose()
    return best
  })
  return least(tried)
}

/** Numbers that are cheap to make: what they are does not change how long a product takes. */
function weights(p, initialValues) {
  if (p.init.kind !== 'normal' && p.init.kind !== 'uniform') return initialValues(p, 0)
  const values = new Float32Array(p.axes.reduce((n, a) => n * a.size, 1))
  for (let i = 0; i < values.length; i++) values[i] = (((i * 7919) % 1000) - 500) * 4e-5
  return values
}

async function child(engineName, tokens, methods) {
  const { specFromConfig } = await dist('models/index.js')
  const { resolveTraining } = await dist('planner/training/resolve.js')
  const { networkOf } = await dist('planner/network/index.js')
  const { EXECUTED } = await dist('planner/network/library.js')
  const { stepFlops } = await dist('planner/predict/index.js')
  const { createExecutor, adamW } = await dist('planner/execute/index.js')
  const { trainStep } = await dist('planner/training/step.js')
  const { batchValues, initialValues } = await dist('planner/run/values.js')
  const model = specFromConfig({ ...LAYER, ...WIDTHS }, { name: 'layer' })
  const executor = await createExecutor({ engine: engineName, seed: 0, sink: () => undefined })
  const products = watched(executor.engine, 'product')
  const plans = methods.map((method) => {
    const adapter = method === 'full' ? {} : { target_modules: ['all-linear'], rank: 8 }
    const { train } = resolveTraining(model, { method, seq_len: tokens, ...adapter }, { engine: engineName })
    const { total } = stepFlops(model, train, { library: EXECUTED })
    const optimizer = adamW(executor, { lr: 1e-4 })
    const updates = watched(optimizer, 'step')
    return { method, network: networkOf(model, train, EXECUTED), flops: total, optimizer, updates, steps: [] }
  })
  // All methods of a process have the same tensors; the first one trains the most of them.
  const { parameters, buffers, inputs } = plans[0].network
  executor.materialize([...parameters, ...buffers], (p) => weights(p, initialValues))
  const leaves = new Map(parameters.map((p) => [p.path, executor.parameter(p).leaf]))
  const batch = Object.fromEntries(
    inputs.map((i) => [i.name, executor.input(i.name, i.axes, i.dtype, batchValues(i, model.vocab, 0))]),
  )
  const plainly = []
  for (let round = 0; round <= ROUNDS; round++) {
    plainly.push(plain(executor.engine, tokens))
    for (const { network, optimizer, updates, steps } of plans) {
      for (const p of network.parameters) {
        const tensor = executor.parameter(p)
        tensor.leaf = p.trains ? leaves.get(p.path) : null
        tensor.requiresGrad = p.trains
      }
      products.ms = updates.ms = 0
      const started = clocks()
      for (const loss of trainStep(executor, network, batch, optimizer, round)) await executor.read(loss)
      const time = since(started)
      if (round > 0) steps.push({ ...time, products: products.ms, optimizer: updates.ms })
    }
  }
  const heap = executor.engine.heapBytes()
  console.log(
    JSON.stringify({
      plain: { flops: 2 * WIDTHS.hidden_size * WIDTHS.intermediate_size * tokens, ...least(plainly) },
      heap,
      methods: plans.map(({ method, flops, steps }) => ({ method, flops, steps })),
    }),
  )
}

const percent = (part) => `${(100 * part).toFixed(0).padStart(3)} %`

function bench(engine, tokens) {
  const named = `${engine.padEnd(10)} ${String(tokens).padStart(5)}`
  for (const turns of TURNS) {
    const args = [fileURLToPath(import.meta.url), '--child', engine, String(tokens), ...turns]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) {
      console.log(`${named} ${turns.join(', ')} did not run: ${stderr.trim().split('\n').at(-1)}`)
      continue
    }
    const { plain, heap, methods } = JSON.parse(stdout.trim().split('\n').at(-1))
    for (const { method, flops, steps } of methods) {
      const best = steps.reduce((a, b) => (b.ms < a.ms ? b : a))
      const [rate, most] = [flops / best.ms / 1e6, plain.flops / plain.ms / 1e6]
      const byProcessor = (flops * plain.cpu) / (least(steps).cpu * plain.flops)
      const figures = `${best.ms.toFixed(0).padStart(6)} ms ${rate.toFixed(1).padStart(6)} GFLOP/s ${percent(rate / most)} of ${most.toFixed(1)}, ${percent(byProcessor)} by processor time`
      const parts = `products ${percent(best.products / best.ms)}, optimizer ${percent(best.optimizer / best.ms)} of the time`
      const size = heap === null ? '' : `   heap ${(heap / 2 ** 20).toFixed(0)} MiB`
      console.log(`${named} ${method.padEnd(8)} ${figures}   ${parts}${size}`)
    }
    if (methods.length === 2) {
      const [lora, fa] = methods
      const ratio = median(fa.steps.map(({ ms }, i) => ms / lora.steps[i].ms))
      console.log(`${named} LoRA-FA's step takes ${ratio.toFixed(2)} of LoRA's (median of ${ROUNDS} pairs)`)
    }
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--child') await child(rest[0], Number(rest[1]), rest.slice(2))
else {
  const { ENGINE_TABLE } = await dist('planner/execute/engines/table.js')
  const asked = process.argv.slice(2)
  const names = asked.filter((word) => !/^\d+$/.test(word))
  const lengths = asked.filter((word) => /^\d+$/.test(word)).map(Number)
  console.log('a step of one layer, batch 1, d 4096, f 11008, r 8, all linears, as a share of the plain product')
  // cpu would take an hour.
  for (const engine of names.length > 0 ? names : Object.keys(ENGINE_TABLE).filter((name) => name !== 'cpu')) {
    const why = await ENGINE_TABLE[engine].missing()
    if (why !== null) console.log(`${engine.padEnd(10)} ${why}`)
    else for (const tokens of lengths.length > 0 ? lengths : LENGTHS) bench(engine, tokens)
  }
}

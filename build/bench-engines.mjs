// Prints how much of an engine's own plain product a whole training step reaches, for a LLaMA-7B-width layer. Machines are noisy: the
// plain product, a step of LoRA and one of LoRA-FA take turns in one process, and of each the fastest counts.
// usage: node build/bench-engines.mjs [ENGINE …]
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = (path) => import(join(root, 'dist', path))
const median = (xs) => [...xs].sort((a, b) => a - b)[xs.length >> 1]

/** Methods that take turns in one process: full fine-tuning leaves wasm no room for others. */
const TURNS = [['full'], ['lora', 'lora-fa']]
const TOKENS = 256
const ROUNDS = 5
const LAYER = { architectures: ['LlamaForCausalLM'], model_type: 'llama', torch_dtype: 'float32', num_hidden_layers: 1 }
// A small vocabulary: the layer is what is timed, and with the whole one its gradients would not fit into wasm's 4 GiB.
const WIDTHS = { hidden_size: 4096, intermediate_size: 11008, num_attention_heads: 32, vocab_size: 256 }

const timed = (body) => {
  const t = performance.now()
  body()
  return performance.now() - t
}

/** GFLOP/s of the engine's product of the layer's widest linear, the weight on the side where it is faster. */
function plain(engine) {
  const { hidden_size: h, intermediate_size: f } = WIDTHS
  const rates = [
    [f, h, TOKENS],
    [TOKENS, h, f],
  ].map(([n, k, m]) => {
    const [a, b] = [engine.zeros([n, k], 'float32'), engine.zeros([k, m], 'float32')]
    for (const x of [a, b]) engine.values(x).fill(0.5)
    const once = () =>
      timed(() => engine.run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false }).dispose())
    once()
    const ms = Math.min(once(), once(), once())
    a.dispose()
    b.dispose()
    return (2 * n * k * m) / ms / 1e6
  })
  return Math.max(...rates)
}

/** Numbers that are cheap to make: what they are does not change how long a product takes. */
function weights(p, initialValues) {
  if (p.init.kind !== 'normal' && p.init.kind !== 'uniform') return initialValues(p, 0)
  const values = new Float32Array(p.axes.reduce((n, a) => n * a.size, 1))
  for (let i = 0; i < values.length; i++) values[i] = (((i * 7919) % 1000) - 500) * 4e-5
  return values
}

async function child(engineName, methods) {
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
  const plans = methods.map((method) => {
    const adapter = method === 'full' ? {} : { target_modules: ['all-linear'], rank: 8 }
    const { train } = resolveTraining(model, { method, seq_len: TOKENS, ...adapter }, { engine: engineName })
    const { total } = stepFlops(model, train, { library: EXECUTED })
    return {
      method,
      network: networkOf(model, train, EXECUTED),
      flops: total,
      optimizer: adamW(executor, { lr: 1e-4 }),
      ms: [],
    }
  })
  // All methods of a process have the same tensors; the first one trains the most of them.
  const { parameters, buffers, inputs } = plans[0].network
  executor.materialize([...parameters, ...buffers], (p) => weights(p, initialValues))
  const leaves = new Map(parameters.map((p) => [p.path, executor.parameter(p).leaf]))
  const batch = Object.fromEntries(
    inputs.map((i) => [i.name, executor.input(i.name, i.axes, i.dtype, batchValues(i, model.vocab, 0))]),
  )
  const rates = []
  for (let round = 0; round <= ROUNDS; round++) {
    rates.push(plain(executor.engine))
    for (const { network, optimizer, ms } of plans) {
      for (const p of network.parameters) {
        const tensor = executor.parameter(p)
        tensor.leaf = p.trains ? leaves.get(p.path) : null
        tensor.requiresGrad = p.trains
      }
      const started = performance.now()
      for (const loss of trainStep(executor, network, batch, optimizer, round)) await executor.read(loss)
      if (round > 0) ms.push(performance.now() - started)
    }
  }
  const heap = executor.engine.heapBytes()
  console.log(
    JSON.stringify({
      plain: Math.max(...rates),
      heap,
      methods: plans.map(({ method, flops, ms }) => ({ method, flops, ms })),
    }),
  )
}

function bench(engine) {
  for (const turns of TURNS) {
    const args = [fileURLToPath(import.meta.url), '--child', engine, ...turns]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) {
      console.log(`${engine.padEnd(14)} ${turns.join(', ')} did not run: ${stderr.trim().split('\n').at(-1)}`)
      continue
    }
    const { plain, heap, methods } = JSON.parse(stdout.trim().split('\n').at(-1))
    for (const { method, flops, ms } of methods) {
      const least = Math.min(...ms)
      const rate = flops / least / 1e6
      const figures = `${least.toFixed(0).padStart(6)} ms   ${rate.toFixed(1).padStart(6)} GFLOP/s`
      const size = heap === null ? '' : `   heap ${(heap / 2 ** 20).toFixed(0)} MiB`
      const share = `${((100 * rate) / plain).toFixed(0).padStart(3)} % of ${plain.toFixed(1)}`
      console.log(`${engine.padEnd(14)} ${method.padEnd(8)} ${figures}   ${share}${size}`)
    }
    if (methods.length === 2) {
      const [lora, fa] = methods
      const ratio = median(fa.ms.map((ms, i) => ms / lora.ms[i]))
      console.log(`${engine.padEnd(14)} LoRA-FA's step takes ${ratio.toFixed(2)} of LoRA's (median of ${ROUNDS} pairs)`)
    }
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--child') await child(rest[0], rest.slice(1))
else {
  const { ENGINE_TABLE } = await dist('planner/execute/engines/table.js')
  // cpu would take an hour.
  const asked = first === undefined ? Object.keys(ENGINE_TABLE).filter((name) => name !== 'cpu') : [first, ...rest]
  console.log(
    `a step of one layer, ${TOKENS} tokens, d 4096, f 11008, r 8, all linears, as a share of the plain product`,
  )
  for (const engine of asked) {
    const why = await ENGINE_TABLE[engine].missing()
    if (why === null) bench(engine)
    else console.log(`${engine.padEnd(14)} ${why}`)
  }
}

// Prints how fast predictions are. Machines are noisy: read the ratios, taken in pairs within one run, not the seconds.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'dist/bin/tidemark.js')
const median = (xs) => [...xs].sort((a, b) => a - b)[xs.length >> 1]

function seconds(args) {
  const t = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`)
  return (performance.now() - t) / 1000
}

function paired(name, args, runs = 9) {
  const idle = ['-e', '0']
  seconds(idle)
  seconds(args)
  const pairs = Array.from({ length: runs }, () => [seconds(idle), seconds(args)])
  const ratio = median(pairs.map(([a, b]) => b / a))
  const [a, b] = [0, 1].map((i) => median(pairs.map((p) => p[i])))
  console.log(
    `${name.padEnd(44)} ${(1000 * b).toFixed(0).padStart(6)} ms   ${ratio.toFixed(2)} × node -e 0 (${(1000 * a).toFixed(0)} ms)`,
  )
}

console.log('cold, whole process')
paired('--version', [bin, '--version'])
paired('estimate smollm2-135m', [bin, 'estimate', 'smollm2-135m', '--quiet'])
paired('estimate llama-2-7b --method lora-fa', [bin, 'estimate', 'llama-2-7b', '--method', 'lora-fa', '--quiet'])
paired('compare llama-65b', [bin, 'compare', 'llama-65b', '--quiet'])

console.log('\nwarm, in one process')
const { predict, peakOf, fullTrace, simulate, Sweep, resolveStack, DEFAULT_STACK } = await import(
  join(root, 'dist/planner/predict/index.js')
)
const { specFromCatalog } = await import(join(root, 'dist/models/index.js'))
const { resolveTraining } = await import(join(root, 'dist/planner/training/resolve.js'))
const stack = resolveStack(DEFAULT_STACK)

function warm(name, body, operations) {
  for (let i = 0; i < 100; i++) body()
  const times = Array.from({ length: 60 }, () => {
    const t = performance.now()
    body()
    return performance.now() - t
  })
  const ms = median(times)
  const extra = operations
    ? `, ${((1000 * ms) / operations()).toFixed(2)} µs an operation`
    : `, ${(1000 / ms).toFixed(0)} a second`
  console.log(`${name.padEnd(44)} ${ms.toFixed(2).padStart(6)} ms${extra}`)
}

const {
  requestsOf,
  train: trainOn,
  DEFAULT_CONFIG,
} = await import(join(root, 'dist/planner/allocate/torch-cuda/index.js'))
/** More than any device has. */
const UNLIMITED = 2 ** 46

const setting = (model, options) => resolveTraining(model, options, { stack: stack.name }).train
for (const name of ['llama-2-7b', 'llama-65b']) {
  const model = specFromCatalog(name)
  const train = setting(model, { method: 'lora-fa', target_modules: ['all-linear'] })
  warm(`predict ${name} lora-fa, all linears`, () => predict(model, train, stack))
  warm(`its peak alone`, () => peakOf(model, train, stack))
  warm(`its full trace, every layer's events`, () => fullTrace(model, train, stack))
  const count = () => {
    const { events } = simulate(model, train, stack.dialect)
    let n = 0
    let last = null
    for (const e of events) {
      if (e.action === 'alloc' && (last === null || e.op !== last.op || e.scope !== last.scope)) n++
      last = e
    }
    return n
  }
  const operations = count()
  warm(
    `simulate ${name}, every layer, full trace`,
    () => simulate(model, train, stack.dialect),
    () => operations,
  )
  const requests = requestsOf(simulate(model, train, stack.dialect).events)
  const rounds = [...requests.load, ...requests.first, ...requests.steady]
  const asked = rounds.reduce((n, round) => n + round.times * round.requests.bytes.length, 0)
  warm(`replay ${name} on the allocator, ${asked} requests`, () => trainOn(requests, UNLIMITED, DEFAULT_CONFIG, null))
}

/** Settings of some tens of structures at many sizes, as a search comes to them. */
function* searched(model, count) {
  const levers = ['full', 'lora', 'lora-fa'].flatMap((method) =>
    ['none', 'non-reentrant'].flatMap((gradient_checkpointing) =>
      ['eager', 'sdpa'].flatMap((attention) =>
        (method === 'full' ? ['none'] : ['none', 'nf4', 'int8']).map((quantize) =>
          setting(model, { method, gradient_checkpointing, attention, ...(method === 'full' ? {} : { quantize }) }),
        ),
      ),
    ),
  )
  for (let i = 0; i < count; i++) {
    const train = levers[i % levers.length]
    const n = Math.floor(i / levers.length)
    const [batch, tokens] = [1 + (n % 16), 128 * (1 + (n % 37))]
    const adapter = train.adapter && { ...train.adapter, rank: 4 * (1 + (n % 24)) }
    yield { ...train, batch, tokens, targetTokens: tokens, adapter }
  }
}

console.log('\na search from nothing, structures included')
for (const name of ['llama-2-7b', 'llama-65b']) {
  const model = specFromCatalog(name)
  const settings = [...searched(model, 10_000)]
  const t = performance.now()
  const sweep = new Sweep(stack)
  for (const train of settings) sweep.peak(model, train)
  const s = (performance.now() - t) / 1000
  console.log(
    `${`peaks of 10000 settings of ${name}`.padEnd(44)} ${s.toFixed(2).padStart(6)} s, ${(10_000 / s).toFixed(0)} a second`,
  )
}

// A plan as it is asked for: combinations of levers, of which those that may be shown are replayed on the device's allocator.
{
  const { search } = await import(join(root, 'dist/planner/solve/index.js'))
  const { DEFAULT_CONFIG } = await import(join(root, 'dist/planner/allocate/torch-cuda/index.js'))
  const { findDevices, capacityOf } = await import(join(root, 'dist/planner/devices/index.js'))
  const [device] = findDevices('rtx4090')
  const model = specFromCatalog('llama-2-7b')
  const train = setting(model, { method: 'lora', target_modules: ['all-linear'], batch_size: 4, seq_len: 2048 })
  const gpu = { name: device.name, bytes: capacityOf(device), device }
  const t = performance.now()
  const { searched } = search({ model, stack, gpu, config: DEFAULT_CONFIG }, train, { fixed: new Set(), top: 8 })
  const s = (performance.now() - t) / 1000
  console.log(
    `${`plan of ${searched} settings of llama-2-7b`.padEnd(44)} ${s.toFixed(2).padStart(6)} s, verdicts included`,
  )
}

// Like with like: each recorded row's seconds against the prediction of that very row.
const { settingOfRow, stackOfRow } = await import(join(root, 'dist/planner/pages/recorded.js'))
const folder = join(root, 'fixtures/pytorch')
const timed = readdirSync(folder)
  .filter((f) => f.endsWith('.jsonl'))
  .flatMap((f) => readFileSync(join(folder, f), 'utf8').trim().split('\n'))
  .map((l) => JSON.parse(l))
  .filter((r) => r.seconds?.total)
const ratios = timed.map((row) => {
  const at = stackOfRow(row)
  const { model, train } = settingOfRow(row.case, at.name)
  predict(model, train, at)
  const t = performance.now()
  predict(model, train, at)
  return { id: row.case.id, seconds: row.seconds.total, ratio: (1000 * row.seconds.total) / (performance.now() - t) }
})
const quantile = (q) =>
  [...ratios].sort((a, b) => a.ratio - b.ratio)[Math.floor(q * (ratios.length - 1))].ratio.toFixed(0)
console.log(`\nrecorded PyTorch seconds of a row against its own prediction, ${ratios.length} rows:`)
console.log(`${quantile(0)} × at least, ${quantile(0.5)} × in the middle, ${quantile(1)} × at most`)
for (const { id, seconds, ratio } of [...ratios].sort((a, b) => b.seconds - a.seconds).slice(0, 3))
  console.log(`  ${id.padEnd(42)} ${seconds.toFixed(1).padStart(6)} s   ${ratio.toFixed(0)} ×`)

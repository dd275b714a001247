// Records steps of true size on tfjs-node into fixtures/engines/, a file a run: `npm run record:engines [WORD …]` takes those whose name
// has one of the words. What is recorded is what `tidemark run --json` prints, less what can be predicted again.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'dist/bin/tidemark.js')
const folder = join(root, 'fixtures/engines')
const words = process.argv.slice(2)

/** Whole models, and of LLaMA-2-7B what a CPU holds: one layer and two, from which the others follow. */
const RUNS = ['full', 'lora', 'lora-fa'].flatMap((method) => [
  ['roberta-large', method, ['-s', '128']],
  ['t5-base', method, ['-s', '128']],
  ...(method === 'full' ? [] : [1, 2].map((n) => ['llama-2-7b', method, ['-s', '256', '--layers', String(n)]])),
])

mkdirSync(folder, { recursive: true })
for (const [model, method, setting] of RUNS) {
  const layers = setting.includes('--layers') ? `-${setting.at(-1)}` : ''
  const id = `${model}${layers}-${method}`
  if (words.length > 0 && !words.some((w) => id.includes(w))) continue
  const adapter = method === 'full' ? [] : ['--target-modules', 'all-linear', '-r', '8']
  const typed = ['run', model, '--method', method, ...setting, ...adapter, '--steps', '2', '--engine', 'tfjs-node']
  console.log(`tidemark ${typed.join(' ')}`)
  const { status, stdout } = spawnSync(process.execPath, [bin, ...typed, '--json', '-q'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${id} ended with ${status}`)
  const { executed } = JSON.parse(stdout).result
  const { predicted, measured, training, checks, environment } = executed
  const row = {
    id,
    command: `tidemark ${typed.join(' ')}`,
    model,
    layers: layers === '' ? null : Number(setting.at(-1)),
    engine: environment.engine,
    stack: executed.stack,
    training,
    parameters: predicted.parameters,
    checks,
    scratch: environment['scratch by kernel'],
    seconds_per_step: measured.seconds_per_step.map((s) => Math.round(s * 100) / 100),
    tiers: measured.tiers.map((t) => [t.tier, t.witness ?? null, t.phase, t.measured_bytes]),
  }
  writeFileSync(
    join(folder, `${id}.json`),
    `${JSON.stringify(row, null, 1).replace(/\[\n\s+("[^\]]*?)\n\s+\]/g, (_, inner) => `[${inner.replace(/\n\s+/g, ' ')}]`)}\n`,
  )
}

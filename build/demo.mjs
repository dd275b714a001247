// Predicts and runs full fine-tuning, LoRA and LoRA-FA on real configurations at full width, on wasm, and writes a report each.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = fileURLToPath(new URL('../dist/bin/tidemark.js', import.meta.url))

/** 1 × 128 tokens; every linear gets an adapter. */
const SETTING = [
  '-b',
  '1',
  '-s',
  '128',
  '-r',
  '8',
  '--target-modules',
  'all-linear',
  '--dtype',
  'float32',
  '--attention',
  'eager',
]

for (const model of process.argv.slice(2)) {
  const args = [bin, 'compare', model, '--run', ...SETTING, '--report', `${model}.html`]
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

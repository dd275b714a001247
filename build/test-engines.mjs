// Installs TensorFlow into a temporary cache (or the one that TIDEMARK_CACHE names) and runs the engines' tests on tfjs-node and wasm.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'dist/bin/tidemark.js')
const given = process.env.TIDEMARK_CACHE
const cache = given ?? mkdtempSync(join(tmpdir(), 'tidemark-engines-'))
const env = { ...process.env, TIDEMARK_CACHE: cache }

/** What runs on an engine: kernels against tf.grads, the gate against PyTorch, every family and method to the byte, the tiers. */
const SUITE = ['planner/execute/', 'planner/run/gate', 'planner/run/run.test', 'cli/engines']

function tidemark(...args) {
  return spawnSync(process.execPath, [bin, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function main() {
  const engines = ['wasm']
  const installed = tidemark('engines', 'install', 'tensorflow')
  if (installed.status === 0) engines.unshift('tfjs-node')
  else console.log('skipped: tfjs-node, since TensorFlow could not be installed here (the reason stands above)')
  console.log(tidemark('engines', 'doctor').stdout)
  const args = [join(root, 'build/test.mjs'), ...SUITE]
  const tests = { ...env, TIDEMARK_TEST_ENGINES: engines.join(',') }
  return spawnSync(process.execPath, args, { env: tests, stdio: 'inherit' }).status ?? 1
}

try {
  process.exitCode = main()
} finally {
  if (given === undefined) rmSync(cache, { recursive: true, force: true })
}

// Installs TensorFlow and WebGPU into a temporary cache (or the one that TIDEMARK_CACHE names) and runs the engines' tests on tfjs-node,
// webgpu and wasm. `--after-test` leaves wasm out where `npm test` has just run the same on it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'dist/bin/tidemark.js')
const given = process.env.TIDEMARK_CACHE
const cache = given ?? mkdtempSync(join(tmpdir(), 'tidemark-engines-'))
// A software adapter (lavapipe of Mesa 25 or newer) proves the bytes as well as a GPU.
const env = { ...process.env, TIDEMARK_CACHE: cache, TIDEMARK_WEBGPU_SOFTWARE: '1' }

/** What runs on an engine: kernels against tf.grads, the gate against PyTorch, every family and method to the byte, the tiers. */
const SUITE = ['planner/execute/', 'planner/run/gate', 'planner/run/run.test', 'cli/engines']
/** Of these, what reads numbers by promise and compiles few shaders. */
const WEBGPU_SUITE = [
  'planner/execute/agreement',
  'planner/execute/engines/',
  'planner/execute/kernels/operations',
  'planner/run/run.test',
]

function tidemark(...args) {
  return spawnSync(process.execPath, [bin, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Kernels once more where a tensor's numbers are out of reach: as on a GPU, and with what a stock binding of npm tells. */
const OUT_OF_REACH = ['device', 'stock']
const KERNELS = ['planner/execute/kernels', 'planner/execute/executor.test']

function test(suite, more) {
  const args = [join(root, 'build/test.mjs'), ...suite]
  return spawnSync(process.execPath, args, { env: { ...env, ...more }, stdio: 'inherit' }).status ?? 1
}

function main() {
  const engines = process.argv.includes('--after-test') ? [] : ['wasm']
  const installed = tidemark('engines', 'install', 'tensorflow')
  if (installed.status === 0) engines.unshift('tfjs-node')
  else console.log('skipped: tfjs-node, since TensorFlow could not be installed here (the reason stands above)')
  const webgpu = tidemark('engines', 'install', 'webgpu').status === 0
  if (!webgpu) console.log('skipped: webgpu, since it does not compute here (the reason stands above)')
  console.log(tidemark('engines', 'doctor').stdout)
  let status = engines.length === 0 ? 0 : test(SUITE, { TIDEMARK_TEST_ENGINES: engines.join(',') })
  console.log('\nwasm, two threads')
  status = test(KERNELS, { TIDEMARK_TEST_ENGINES: 'wasm', TIDEMARK_WASM_THREADS: '2' }) || status
  if (webgpu) status = test(WEBGPU_SUITE, { TIDEMARK_TEST_ENGINES: 'webgpu' }) || status
  if (!engines.includes('tfjs-node')) return status
  for (const memory of OUT_OF_REACH) {
    console.log(`
tfjs-node, memory as of ${memory === 'stock' ? 'a stock binding' : 'a device'}`)
    status ||= test(KERNELS, { TIDEMARK_TEST_ENGINES: 'tfjs-node', TIDEMARK_TENSORFLOW_MEMORY: memory })
  }
  return status
}

try {
  process.exitCode = main()
} finally {
  if (given === undefined) rmSync(cache, { recursive: true, force: true })
}

// Runs every compiled *.test.js under dist whose path has one of the words given, a process a file, and counts. A file that runs no
// test fails; so does a run of none.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const words = process.argv.slice(2)
const LIMIT_MS = 600_000

function* testsUnder(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* testsUnder(path)
    else if (entry.name.endsWith('.test.js') && (words.length === 0 || words.some((w) => path.includes(w)))) yield path
  }
}

/** uvu closes with "Total: N", "Passed: N" and exits 0 even when a hook threw: count from its words, not from its exit alone. */
function run(file) {
  return new Promise((done) => {
    // what is installed in the user's cache changes no answer: only `test:engines` names one
    const env = { TIDEMARK_CACHE: join(tmpdir(), 'tidemark-without-engines'), ...process.env, FORCE_COLOR: '0' }
    const child = spawn(process.execPath, [file], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    const started = performance.now()
    let text = ''
    child.stdout.on('data', (d) => (text += d))
    child.stderr.on('data', (d) => (text += d))
    child.on('close', (code) => {
      clearTimeout(timer)
      const total = Number(/Total:\s+(\d+)/.exec(text)?.[1] ?? 0)
      const passed = Number(/Passed:\s+(\d+)/.exec(text)?.[1] ?? 0)
      const broken = code !== 0 || total === 0 || passed !== total
      done({ file, text, passed, failed: Math.max(total - passed, broken ? 1 : 0), ms: performance.now() - started })
    })
  })
}

const queue = [...testsUnder(dist)].sort()
const sum = { passed: 0, failed: 0 }
async function worker() {
  for (let file = queue.shift(); file; file = queue.shift()) {
    const r = await run(file)
    sum.passed += r.passed
    sum.failed += r.failed
    const name = relative(dist, r.file)
    console.log(`${r.failed === 0 ? 'ok  ' : 'FAIL'} ${name} (${r.passed} passed, ${(r.ms / 1000).toFixed(1)} s)`)
    if (r.failed > 0) console.log(r.text)
    else for (const line of r.text.split('\n')) if (line.startsWith('# ')) console.log(`     ${line.slice(2)}`)
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
console.log(`${sum.passed} passed, ${sum.failed} failed`)
process.exit(sum.passed > 0 && sum.failed === 0 ? 0 : 1)

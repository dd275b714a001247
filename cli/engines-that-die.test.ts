import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../models/index.ts'
import { TESTED_ENGINES } from '../planner/execute/engines/tested.test.cases.ts'
import type { EngineName } from '../planner/trace/engine-names.ts'
import { resolveTraining } from '../planner/training/resolve.ts'
import { RunError } from './errors.ts'
import { runInChild } from './process/supervise.ts'
import { BINARY, cleanEnv } from './testing/binary.ts'

/** The entry of an engine's process, beside these compiled files. */
const CHILD = new URL('./child.js', import.meta.url)

/** Processes that a process has started, as Linux tells them. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
const isThere = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Steps that take long enough to be met in their middle. */
const SETTING = { method: 'full', seq_len: 256 } as const
function requestOn(engine: EngineName) {
  const model = specFromCatalog('smollm2-135m', { layers: 2 })
  const { train } = resolveTraining(model, SETTING, { engine })
  return { model, train, engine, steps: 200, seed: 0, cutFrom: null }
}

/** What becomes of a run to whose process a signal is sent while it steps. */
async function struck(engine: EngineName, signal: NodeJS.Signals, silenceMs: number) {
  let pid = 0
  const error = await runInChild(CHILD, requestOn(engine), {
    silenceMs,
    onProgress: ({ phase }) => {
      if (phase === 'load' || pid !== 0) return
      pid = childrenOf(process.pid).at(-1)!
      process.kill(pid, signal)
    },
  }).catch((e: unknown) => e)
  assert.instance(error, RunError, String(error))
  assert.is.not(pid, 0, 'no step began')
  assert.is(isThere(pid), false, 'its process is still there')
  return error as RunError
}

const PATIENCE_MS = 60_000

if (existsSync('/proc/self/task')) {
  for (const engine of TESTED_ENGINES) {
    test(`${engine}: its process killed in a step: what happened, and what to try`, async () => {
      const error = await struck(engine, 'SIGKILL', PATIENCE_MS)
      assert.match(error.message, /was killed by SIGKILL before it answered/)
      assert.match(error.next, /Memory may have run out/)
    })

    test(`${engine}: its process crashing in a step`, async () => {
      const error = await struck(engine, 'SIGSEGV', PATIENCE_MS)
      assert.match(error.message, /was killed by SIGSEGV before it answered/)
    })

    test(`${engine}: its process hanging in a step is stopped at its limit, and none is left`, async () => {
      const error = await struck(engine, 'SIGSTOP', 20_000)
      assert.match(error.message, /said nothing for 20 s and was stopped/)
    })

    test(`${engine}: its process ends when the one that waits for it was killed`, async () => {
      const args = ['run', 'smollm2-135m', '--method', 'full', '-s', '256', '--layers', '2', '--steps', '200']
      const parent = spawn(process.execPath, [BINARY, ...args, '--engine', engine, '-q'], {
        env: cleanEnv(),
        stdio: 'ignore',
      })
      const ended = new Promise((done) => parent.once('exit', done))
      const deadline = performance.now() + PATIENCE_MS
      while (childrenOf(parent.pid!).length === 0 && performance.now() < deadline) await later(50)
      const [child] = childrenOf(parent.pid!)
      assert.ok(child !== undefined, 'it started none')
      await later(4000)
      assert.ok(isThere(child!), 'it has ended by itself')
      parent.kill('SIGKILL')
      await ended
      const killed = performance.now()
      while (isThere(child!) && performance.now() < killed + PATIENCE_MS) await later(50)
      assert.is(isThere(child!), false, 'it outlived its parent')
    })
  }
} else {
  test('where the system does not list processes, nothing is struck', () => assert.ok(!existsSync('/proc/self/task')))
}

test.run()

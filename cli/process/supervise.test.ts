import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EngineError, Interrupted, RunError } from '../errors.ts'
import { inFolder } from '../testing/binary.ts'
import { FAKE_CHILD, fakeRequest } from '../testing/stand-ins.ts'
import { probeInChild, runInChild } from './supervise.ts'

async function failureOf(name: string, signal?: AbortSignal): Promise<unknown> {
  const watch = { onProgress: () => undefined, ...(signal ? { signal } : {}) }
  return runInChild(FAKE_CHILD, fakeRequest(name), watch).then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('a crash is a typed error with the last words', async () => {
  const error = await failureOf('crash')
  assert.instance(error, RunError)
  assert.match(String(error), /ended with code 7 before it answered; its last words: the heap is full/)
})

test('a failure and a missing engine cross the border as what they are', async () => {
  const failed = await failureOf('fail')
  assert.instance(failed, RunError)
  assert.match(String(failed), /the loss is not a number/)
  assert.instance(await failureOf('no-engine'), EngineError)
})

test('a process that says nothing is stopped at its limit', async () => {
  const started = performance.now()
  const error = await runInChild(FAKE_CHILD, fakeRequest('busy'), { silenceMs: 1500 }).catch((e: unknown) => e)
  assert.instance(error, RunError)
  assert.match(String(error), /said nothing for 1\.5 s and was stopped/)
  assert.ok(performance.now() - started < 4000)
})

test('a probe that hangs, and one whose library ends the process, are told of', async () => {
  const hung = await probeInChild(FAKE_CHILD, 'cpu', { silenceMs: 1000 }).catch((e: unknown) => e)
  assert.match(String(hung), /said nothing for 1 s/)
  const broken = await probeInChild(FAKE_CHILD, 'tfjs-node').catch((e: unknown) => e)
  assert.instance(broken, RunError)
  assert.match(String(broken), /ended with code 127 before it answered; its last words: .*undefined symbol/)
})

test('a busy process ends by itself when its parent was killed', async () => {
  await inFolder(async (folder) => {
    const program = fileURLToPath(new URL('../testing/interrupted.js', import.meta.url))
    const parent = spawn(process.execPath, [program, join(folder, 'trace.jsonl')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((running) => parent.stdout.once('data', running))
    // its standard output closes only when the child, which holds it too, is gone
    const closed = new Promise((resolve) => parent.once('close', resolve))
    parent.kill('SIGKILL')
    const started = performance.now()
    await closed
    assert.ok(performance.now() - started < 3000)
  })
})

test('an aborted run ends at once, though its process is busy', async () => {
  const stop = new AbortController()
  const started = performance.now()
  setTimeout(() => stop.abort(), 200)
  assert.instance(await failureOf('busy', stop.signal), Interrupted)
  assert.ok(performance.now() - started < 2000)
})

test('Ctrl-C in the middle of a run: 130 within a second, no file left, no process left', async () => {
  await inFolder(async (folder) => {
    const program = fileURLToPath(new URL('../testing/interrupted.js', import.meta.url))
    const child = spawn(process.execPath, [program, join(folder, 'trace.jsonl')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((running) => child.stdout.once('data', running))
    assert.is(readdirSync(folder).length, 1)
    const asked = performance.now()
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    // its pipe closes only when the busy child, which holds it too, is gone
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    assert.is(await ended, 130)
    assert.ok(performance.now() - asked < 1000)
    assert.equal(readdirSync(folder), [])
    await closed
  })
})

test.run()

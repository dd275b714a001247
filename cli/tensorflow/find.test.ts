import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { RunError } from '../errors.ts'
import { inFolder } from '../testing/binary.ts'
import { find, findTensorflow } from './find.ts'
import { FARMHASH, lackedBy, placeOf } from './place.ts'
import { runProgram } from './program.ts'
import { orRemoved } from './step.ts'

/** A Python that has this TensorFlow, as far as is asked. */
function pythonWith(folder: string, version: string, cuda: boolean): NodeJS.ProcessEnv {
  const tensorflow = join(folder, 'site-packages/tensorflow')
  const [major, minor, patch] = version.split('.')
  const files: Record<string, string> = {
    'python/platform/build_info.py': `build_info = {'is_cuda_build': ${cuda ? 'True' : 'False'}}`,
    'include/tensorflow/core/public/version.h': `#define TF_MAJOR_VERSION ${major}\n#define TF_MINOR_VERSION ${minor}\n#define TF_PATCH_VERSION ${patch}\n`,
    ...Object.fromEntries(lackedBy('/nothing/here').map((name) => [name, ''])),
  }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tensorflow, name)), { recursive: true })
    writeFileSync(join(tensorflow, name), content)
  }
  const python = join(folder, 'python')
  writeFileSync(python, `#!/bin/sh\necho '"${tensorflow}"'\n`)
  chmodSync(python, 0o755)
  return { ...process.env, TIDEMARK_PYTHON: python, TIDEMARK_CACHE: join(folder, 'cache') }
}

test("Python's TensorFlow is found by its own files, and linked", async () => {
  await inFolder(async (folder) => {
    const env = pythonWith(folder, '2.16.1', false)
    assert.equal(await findTensorflow('cpu', env), {
      folder: join(folder, 'site-packages/tensorflow'),
      version: '2.16.1',
      cuda: false,
    })
    const place = placeOf('cpu', env)
    const step = find(env)
    await step.run(place, () => undefined)
    assert.ok(step.done(place))
    assert.ok(lstatSync(join(place.site, 'tensorflow')).isSymbolicLink())
  })
})

test('one that lacks a header is passed over, and what lies in its place and lacks one is not done', async () => {
  await inFolder(async (folder) => {
    const env = pythonWith(folder, '2.16.1', false)
    const place = placeOf('cpu', env)
    const step = find(env)
    // as an earlier version unpacked it
    mkdirSync(join(place.site, 'tensorflow/include'), { recursive: true })
    assert.is(step.done(place), false)
    await step.run(place, () => undefined)
    assert.is(step.done(place), true)
    rmSync(join(folder, 'site-packages/tensorflow', FARMHASH), { recursive: true })
    assert.is(step.done(place), false)
    await step.run(place, () => undefined)
    assert.is(existsSync(place.site), false)
  })
})

test('one that is too old, too new, or without CUDA where that is asked for, is passed over', async () => {
  await inFolder(async (folder) => {
    assert.is(await findTensorflow('cpu', pythonWith(join(folder, 'old'), '2.12.0', false)), null)
    assert.is(await findTensorflow('cpu', pythonWith(join(folder, 'new'), '2.99.0', false)), null)
    assert.is(await findTensorflow('gpu', pythonWith(join(folder, 'plain'), '2.16.1', false)), null)
    assert.ok(await findTensorflow('gpu', pythonWith(join(folder, 'cuda'), '2.16.1', true)))
    assert.is(await findTensorflow('cpu', { TIDEMARK_PYTHON: join(folder, 'nothing') }), null)
  })
})

test('a program that fails, hangs or is not there says so, with its last words', async () => {
  const fail = (args: string[], limitMs = 10_000) =>
    runProgram('sh', args, { limitMs, next: 'Do this.' }).then(
      () => undefined,
      (e: unknown) => e,
    )
  const failed = await fail(['-c', 'echo disk full >&2; exit 3'])
  assert.instance(failed, RunError)
  assert.match(String(failed), /sh ended with code 3; its last words: disk full/)
  const started = performance.now()
  // the shell's own child holds the pipe: it goes too
  assert.match(String(await fail(['-c', 'sleep 30; true'], 200)), /took longer than 0\.2 s/)
  assert.ok(performance.now() - started < 3000)
  const nothing = await runProgram('/nothing/here', [], { limitMs: 1000, next: '' }).catch((e: unknown) => e)
  assert.match(String(nothing), /could not be started/)
})

test("a compiler's first error is told, and that there is none only where it could not be started", async () => {
  const said = async (command: string, line: string) => {
    const options = { limitMs: 10_000, next: 'Look.', absent: 'Have one.' }
    const error = await runProgram(command, ['-c', line], options).catch((e: unknown) => e)
    assert.instance(error, RunError)
    return error as RunError
  }
  const script = 'echo "a.cc:1: fatal error: farmhash.h: No such file"; seq 5000; echo terminated; exit 1'
  const failed = await said('sh', script)
  assert.match(failed.message, /its first error: a\.cc:1: fatal error: farmhash\.h: No such file$/)
  assert.is(failed.next, 'Look.')
  assert.is((await said('/nothing/here', '')).next, 'Have one.')
})

test('what a step was working at is gone when it fails', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'half')
    await orRemoved(path, async () => {
      mkdirSync(path)
      throw new Error('no')
    }).catch(() => undefined)
    assert.is(existsSync(path), false)
  })
})

test.run()

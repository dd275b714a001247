import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../models/index.ts'
import { nativeStamp } from '../planner/execute/engines/tensorflow/native.ts'
import { TESTED_ENGINES } from '../planner/execute/engines/tested.test.cases.ts'
import { RunResult } from '../planner/result/run.ts'
import { peakOfRun } from '../planner/run/capacity.ts'
import { resolveTraining } from '../planner/training/resolve.ts'
import { fastestThatHolds } from './engines.ts'
import { EngineError } from './errors.ts'
import { cleanEnv, inFolder, tidemark } from './testing/binary.ts'

const nowhere = cleanEnv({ TIDEMARK_CACHE: '/nothing/here' })

test('list says what is here, and of what is not why and what to type', async () => {
  const { engines } = JSON.parse((await tidemark(['engines', '--json'], { env: nowhere })).stdout)
  const found = new Map(engines.map((e: { name: string }) => [e.name, e]))
  assert.equal(found.get('wasm'), {
    name: 'wasm',
    available: true,
    note: 'tfjs on WebAssembly, 4 GiB, one thread (TIDEMARK_WASM_THREADS: up to 8)',
  })
  assert.equal(found.get('tfjs-node'), {
    name: 'tfjs-node',
    available: false,
    note: 'not installed: tidemark engines install tensorflow',
  })
  assert.equal(found.get('webgpu'), {
    name: 'webgpu',
    available: false,
    note: 'not installed: tidemark engines install webgpu',
  })
  const { status, stderr } = await tidemark(['run', 'smollm2-135m', '--engine', 'tfjs-node'], { env: nowhere })
  assert.is(status, 4)
  assert.match(stderr, /tfjs-node is not there: not installed. Type `tidemark engines install tensorflow`/)
})

test('doctor loads each engine, proves it and measures it', async () => {
  const { status, stdout } = await tidemark(['engines', 'doctor', '--json'])
  assert.is(status, 0)
  const { engines } = JSON.parse(stdout)
  for (const name of TESTED_ENGINES) {
    const found = engines.find((e: { name: string }) => e.name === name)
    assert.ok(found.ok && found.gflops > 0 && found.device !== '', JSON.stringify(found))
  }
})

/** A cache with a manifest of these sources, beside a file that is no library. */
function brokenCache(folder: string, source: string): NodeJS.ProcessEnv {
  const home = join(folder, 'tensorflow', 'cpu')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'installed.json'), JSON.stringify({ tensorflow: '2.15.1', source }))
  writeFileSync(join(home, 'tfjs_binding.node'), 'no library')
  return cleanEnv({ TIDEMARK_CACHE: folder })
}

test('a binding of another version of tidemark is not loaded, and what mends it is said', async () => {
  await inFolder(async (folder) => {
    const env = brokenCache(folder, 'another')
    const why = 'its binding was compiled by another version of tidemark'
    for (const action of ['list', 'doctor']) {
      const { engines } = JSON.parse((await tidemark(['engines', action, '--json'], { env })).stdout)
      const found = engines.find((e: { name: string }) => e.name === 'tfjs-node')
      assert.match(JSON.stringify(found), new RegExp(`${why}.*tidemark engines install tensorflow`))
    }
    const { status, stderr } = await tidemark(['run', 'smollm2-135m', '--engine', 'tfjs-node'], { env })
    assert.is(status, 4)
    assert.match(stderr, new RegExp(`tfjs-node is not there: ${why}. Type \`tidemark engines install tensorflow\``))
    // auto passes it over
    const args = ['run', 'smollm2-135m', '--method', 'lora-fa', '-s', '8', '--layers', '1', '--steps', '2', '--json']
    const run = await tidemark(args, { env })
    assert.is(run.status, 0, run.stderr)
    assert.match(RunResult.parse(JSON.parse(run.stdout)).result.executed.stack, /wasm/)
  })
})

test('a broken installation is told of, and its process takes nothing with it', async () => {
  await inFolder(async (folder) => {
    const env = brokenCache(folder, nativeStamp())
    const { stdout, status } = await tidemark(['engines', 'doctor', '--json'], { env })
    assert.is(status, 0)
    const found = JSON.parse(stdout).engines.find((e: { name: string }) => e.name === 'tfjs-node')
    assert.is(found.ok, false)
    assert.match(found.why, /did not load: .*tfjs_binding\.node/)
    assert.match(found.next, /engines install tensorflow/)
  })
})

test('what is wrong with the words is said', async () => {
  const said = async (...args: string[]) => {
    const { status, stderr } = await tidemark(['engines', ...args])
    assert.is(status, 2)
    return stderr
  }
  assert.match(await said('install'), /needs what to install. Say engines install tensorflow/)
  assert.match(await said('doctor', 'tensorflow'), /takes no tensorflow/)
  assert.match(await said('doctor', '--gpu'), /--gpu: belongs to engines install/)
})

test('auto takes the fastest that holds the step; where none does it offers the layers that fit', async () => {
  const cut = (layers: number) => specFromCatalog('llama-2-7b', { layers })
  const { train } = resolveTraining(cut(1), { method: 'lora', seq_len: 64 }, { engine: 'wasm' })
  const small = { model: cut(1), train }
  assert.is(await fastestThatHolds(['wasm', 'cpu'], [small], 'tidemark run'), 'wasm')
  const typed = 'tidemark run llama-2-7b -s 64 --layers 9'
  const error = await fastestThatHolds(['wasm'], [{ model: cut(9), train }], typed).catch((e) => e)
  assert.instance(error, EngineError)
  assert.match(error.message, /peaks at .* GiB, and the most an engine here can hold is 3\.75 GiB \(wasm\)/)
  const layers = Number(
    /^The first (\d+) layers fit: `tidemark run llama-2-7b -s 64 --layers \1`\.$/.exec(error.next)?.[1],
  )
  const peak = (n: number) => peakOfRun({ model: cut(n), train, engine: 'wasm' })
  assert.ok(peak(layers) <= 3.75 * 2 ** 30 && peak(layers + 1) > 3.75 * 2 ** 30, `${layers}`)
})

for (const engine of TESTED_ENGINES.filter((e) => e.startsWith('tfjs-node'))) {
  for (const [model, method] of [
    ['smollm2-135m', 'lora-fa'],
    ['roberta-base', 'lora'],
    ['t5-small', 'full'],
  ] as const) {
    test(`${engine}: ${model} ${method}: ledger, statistics and TensorFlow's own log agree with the prediction`, async () => {
      const args = ['run', model, '--method', method, '-s', '16', '--steps', '2', '--layers', '1', '--engine', engine]
      const { status, stdout, stderr } = await tidemark([...args, '--json', '-q'])
      assert.is(status, 0, stderr)
      const { executed } = RunResult.parse(JSON.parse(stdout)).result
      const { tiers } = executed.measured
      assert.equal(
        tiers.filter((t) => t.verdict === 'differs'),
        [],
      )
      for (const witness of ['allocator statistics', 'allocation log']) {
        const own = tiers.filter((t) => t.witness === witness && t.verdict === 'equal')
        assert.is(own.length, 12, witness)
      }
      assert.is(executed.environment['allocation log'], undefined, 'no line was lost')
      assert.match(executed.environment.engine ?? '', /TensorFlow 2\.\d+\.\d+, \d+ threads, oneDNN off/)
    })
  }

  test(`${engine}: TensorFlow's own BFC allocator counts the chunks and regions that the replay on tf-bfc says`, async () => {
    const args = ['run', 'smollm2-135m', '--method', 'lora-fa', '-s', '32', '--layers', '2', '--steps', '2']
    const env = cleanEnv({ TF_CPU_ALLOCATOR_USE_BFC: 'true' })
    const { status, stdout, stderr } = await tidemark([...args, '--engine', engine, '--json', '-q'], { env })
    assert.is(status, 0, stderr)
    const { tiers } = RunResult.parse(JSON.parse(stdout)).result
    const counted = tiers.filter((t) => t.witness === 'allocator statistics' || t.tier === 'reserved')
    assert.is(counted.length, 13)
    for (const t of counted) assert.is(t.measured_bytes, t.predicted_bytes, t.phase)
    assert.ok(counted.some((t) => t.tier === 'reserved' && t.measured_bytes >= 2 ** 27))
  })
}

test.run()

import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CompareResult } from '../planner/result/compare.ts'
import { EstimateResult } from '../planner/result/estimate.ts'
import { PlanResult } from '../planner/result/plan.ts'
import { cleanEnv, tidemark } from './testing/binary.ts'

const SETTING = ['smollm2-135m', '--method', 'lora', '--layers', '4', '-s', '64', '-b', '8', '--budget', '1400MiB']

test('the page on plans shows what the command prints', async () => {
  const page = readFileSync(new URL('../../docs/plan.md', import.meta.url), 'utf8')
  const [, command, printed] = /```console\n\$ tidemark ([^\n]+)\n([\s\S]*?)\n```/.exec(page) ?? []
  assert.ok(command && printed, 'docs/plan.md has an example')
  const { stdout } = await tidemark(command.split(' '), { env: cleanEnv({ COLUMNS: '100' }) })
  assert.is(stdout.trimEnd(), printed)
})

test('--json: the maxima and options hold by the verdict of estimate', async () => {
  const { status, stdout, stderr } = await tidemark(['plan', ...SETTING, '--json', '-q', '--top', '3'])
  assert.is(stderr, '')
  assert.is(status, 0)
  const { result } = PlanResult.parse(JSON.parse(stdout))
  assert.equal(
    result.maxima.map((m) => m.knob),
    ['batch', 'length', 'rank'],
  )
  const batch = result.maxima[0]!.value!
  const fits = async (b: number): Promise<boolean> => {
    const args = SETTING.slice(0, -2).map((word, i, all) => (all[i - 1] === '-b' ? String(b) : word))
    const { stdout } = await tidemark(['estimate', ...args, '--gpu', '1400MiB', '--json', '-q'])
    return EstimateResult.parse(JSON.parse(stdout)).result.fit!.fits
  }
  assert.ok(await fits(batch))
  assert.not(await fits(batch + 1))
  assert.ok(result.search!.options.every((o) => o.fits))
})

test('--maximize finds one size, --fix leaves levers alone, --check tells by its exit code', async () => {
  const one = await tidemark(['plan', ...SETTING, '--maximize', 'length', '-q'])
  assert.match(one.stdout, /largest length +\d+/)
  assert.not.match(one.stdout, /largest batch|change, and what it does/)
  const fixed = await tidemark(['plan', ...SETTING, '--fix', 'method,quantize', '--json', '-q'])
  const { search } = PlanResult.parse(JSON.parse(fixed.stdout)).result
  assert.equal(search!.fixed, ['method', 'quantize'])
  assert.ok(search!.options.every((o) => o.training.method === 'lora' && o.training.quantize === undefined))
  assert.is(
    (await tidemark(['plan', 'llama-2-7b', '--method', 'full', '--gpu', 't4', '--check', '-q', '--maximize', 'batch']))
      .status,
    3,
  )
})

test('something to fit into is asked for, and levers are known by name', async () => {
  const nothing = await tidemark(['plan', 'gpt2'])
  assert.is(nothing.status, 2)
  assert.match(nothing.stderr, /needs something to fit into.*--gpu/s)
  const unknown = await tidemark(['plan', 'gpt2', '--gpu', 't4', '--fix', 'colour'])
  assert.is(unknown.status, 2)
  assert.match(unknown.stderr, /--fix.*method.*micro-batch/s)
})

test('compare --matrix: each method in each way, refused cells with their reason', async () => {
  const args = ['compare', 'smollm2-135m', '-s', '64', '--target-modules', 'all-linear', '--matrix', '-q']
  const { result } = CompareResult.parse(JSON.parse((await tidemark([...args, '--json'])).stdout))
  const { cells, methods, ways, gains, recomputation } = result.matrix!
  assert.is(cells.length, methods.length * ways.length)
  assert.ok(cells.every((c) => (c.peak_bytes === null) === (c.refused !== null)))
  const plain = cells.find((c) => c.method === 'lora' && c.way === 'plain')!
  assert.is(plain.peak_bytes, result.methods.find((m) => m.method === 'lora')!.estimate.peak.bytes)
  const gain = (way: string) => gains.find((g) => g.way === way && g.of === 'lora-fa')!
  assert.ok(gain('checkpointing').bytes < gain('plain').bytes / 4)
  const saving = result.savings.find((s) => s.of === 'lora-fa' && s.against === 'lora')!
  assert.is(
    recomputation!.bytes,
    saving.because.reduce((n, t) => n + t.bytes * t.count, 0),
  )
  const { stdout } = await tidemark(args)
  assert.match(stdout, /full · int8 base: --quantize is int8; packed weights cannot train/)
  assert.match(stdout, /LoRA keeps as little as LoRA-FA if it makes 210 tensors again/)
})

test.run()

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CompareResult } from '../planner/result/compare.ts'
import { EstimateResult } from '../planner/result/estimate.ts'
import { PlanResult } from '../planner/result/plan.ts'
import { cleanEnv, inFolder, tidemark } from './testing/binary.ts'

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

/** Leaves method, checkpointing and micro-batches to search. */
const FIXED = 'quantize,targets,rank,dtype,attention,fused-loss'

test('--emit starts a setting that the plan shows: its files, read back, fit', async () => {
  const asked = ['smollm2-135m', '--method', 'lora', '-s', '128', '-b', '8', '--gpu', '2500MiB', '-q', '--fix', FIXED]
  await inFolder(async (folder) => {
    const emit = ['--emit', 'trl', '--emit-to', 'out', '--pick', '2', '--json']
    const planned = await tidemark(['plan', ...asked, ...emit], { cwd: folder })
    assert.is(planned.status, 0, planned.stderr)
    const { search } = PlanResult.parse(JSON.parse(planned.stdout)).result
    const { training } = search!.options[1]!
    const method = training.method === 'lora-fa' ? ['--method', 'lora-fa'] : []
    const config = ['--config', join('out', 'sft.yaml'), ...method, '--gpu', '2500MiB', '--json', '-q']
    const read = await tidemark(['estimate', 'smollm2-135m', ...config], { cwd: folder })
    const { input, result } = EstimateResult.parse(JSON.parse(read.stdout))
    const sorted = (o: object) => Object.fromEntries(Object.entries(o).sort())
    assert.equal(sorted(input.training), sorted(training))
    assert.ok(result.fit!.fits)
    for (const [args, told, status] of [
      [['--emit', 'trl', '--pick', '999'], /--pick: is 999; the plan shows \d+ settings/, 2],
      [['--pick', '2'], /--pick: belongs to --emit/, 2],
      [['--emit', 'trl', '--maximize', 'batch'], /--emit: and --maximize do not go together/, 2],
      [['--emit', 'trl', '--budget', '300MiB'], /nothing that was searched fits, no files/, 3],
    ] as const) {
      const refused = await tidemark(['plan', ...asked, ...args], { cwd: folder })
      assert.match(refused.stderr, told)
      assert.is(refused.status, status)
    }
  })
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
  const sharded = await tidemark([
    'estimate',
    'smollm2-135m',
    '-s',
    '64',
    '--method',
    'full',
    '--gpus',
    '8',
    '--fsdp',
    'full_shard',
    '--json',
    '-q',
  ])
  assert.is(
    cells.find((c) => c.method === 'full' && c.way === 'FSDP over 8')!.peak_bytes,
    EstimateResult.parse(JSON.parse(sharded.stdout)).result.peak.bytes,
  )
  assert.match(stdout, /QLoRA-FA · FSDP over 8: --quantize is not modelled in shards/)
  assert.match(stdout, /full · int8 base: --quantize is int8; packed weights cannot train/)
  assert.match(stdout, /LoRA keeps as little as LoRA-FA if it makes 210 tensors again/)
})

test.run()

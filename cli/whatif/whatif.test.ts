import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import type { EstimateResult } from '../../planner/result/estimate.ts'
import { flagOf } from '../../planner/training/options.ts'
import { viewOf } from '../../reports/view-model.ts'
import type { Changes, WhatIf } from '../../reports/whatif.ts'
import { problemsOf } from '../problems.ts'
import { runProgram } from '../program.ts'
import { type Predicted, type Setup, setupFromResult } from './setup.ts'

// The very script that stands in a report's page, in a world without Node.
const script = readFileSync(new URL('../../bin/page/planner.js', import.meta.url), 'utf8')
const world: { tidemark?: { createWhatIf(setup: Setup): WhatIf } } = {}
runInNewContext(script, world)
const planner = world.tidemark!

const folder = mkdtempSync(join(tmpdir(), 'tidemark-whatif-'))
test.after(() => rmSync(folder, { recursive: true, force: true }))

/** What the command prints with `--json`, or the problems that it tells. */
async function typed(words: readonly string[]): Promise<Predicted | ReturnType<typeof problemsOf>> {
  const file = join(folder, 'result.json')
  try {
    await runProgram([...words, '--json', '--quiet', '--output', file])
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return problemsOf(error)
  }
}

/**
 * All that is said of a setting but the command that was typed. Documents are long: where they part is told by its path, not by a
 * comparison of their lines.
 */
function same(page: unknown, there: unknown, where: string): void {
  assert.is(parting(page, there), null, where)
}

function parting(a: unknown, b: unknown, path = ''): string | null {
  if (a === b) return null
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object')
    return `${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    if (key === 'command') continue
    const found = parting(left.get(key), right.get(key), `${path}.${key}`)
    if (found !== null) return found
  }
  return null
}

const bases = new Map<string, Promise<WhatIf>>()
const pageOf = (model: string): Promise<WhatIf> => {
  const known = bases.get(model) ?? typed(['estimate', model]).then((r) => pageFor(r as EstimateResult, model))
  bases.set(model, known)
  return known
}
const pageFor = (saved: Predicted, model: string): WhatIf =>
  // a page's setup has been JSON
  planner.createWhatIf(JSON.parse(JSON.stringify(setupFromResult(saved, specFromCatalog(model), model))))

/** A family each, of few layers: the allocator is replayed for each setting, twice. */
const MODELS = ['pythia-70m', 'llama-3.2-1b', 'roberta-base', 't5-small', 'gpt2', 'opt-125m', 'bart-base']

const number = (min: number, max: number) => fc.integer({ min, max }).map(String)
/** Mostly what can be predicted; now and then what is refused. */
const seldom = <T>(usual: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: wrong })

const changes = fc.record(
  {
    method: seldom(fc.constantFrom('full', 'lora', 'lora-fa', 'dora'), fc.constantFrom('qlora', 'qlora-fa')),
    batch_size: number(1, 64),
    seq_len: seldom(number(1, 512), number(1000, 3000)),
    rank: number(1, 256),
    target_modules: seldom(fc.constant('all-linear'), fc.constantFrom('q_proj,v_proj', 'query', 'q,v', 'nowhere')),
    dtype: seldom(fc.constantFrom('bfloat16', 'float16'), fc.constant('float32')),
    attention: seldom(fc.constantFrom('eager', 'sdpa'), fc.constant('flash_attention_2')),
    gradient_checkpointing: seldom(fc.constantFrom('none', 'non-reentrant'), fc.constant('reentrant')),
    gpu: seldom(fc.constantFrom('rtx4090', 'h100', '80GiB', 'a100-40gb'), fc.constantFrom('24', 'rtx')),
  },
  { requiredKeys: ['dtype'] },
)

test('on more than 200 random settings the page says what estimate --json says, refusals included', async () => {
  const samples = fc.sample(fc.tuple(fc.constantFrom(...MODELS), changes), { numRuns: 300, seed: 20_261_125 })
  let refused = 0
  for (const [model, asked] of samples) {
    const page = await pageOf(model)
    // what a control holds already is no change
    const differing = Object.fromEntries(
      Object.entries(asked).filter(([key, value]) => page.controls.find((c) => c.key === key)?.value !== value),
    ) as Changes
    const recomputed = page.recompute(differing)
    const flags = Object.entries(differing).flatMap(([key, value]) => [flagOf(key), value])
    const there = await typed(['estimate', model, ...flags])
    const where = `${model} ${flags.join(' ')}`
    if (Array.isArray(there)) {
      refused++
      assert.is(recomputed.ok, false, where)
      same(recomputed.ok || recomputed.problems, there, where)
      continue
    }
    assert.is(recomputed.ok, true, where)
    if (recomputed.ok) same(recomputed.result, there, where)
  }
  const predicted = samples.length - refused
  console.log(
    `# ${predicted} settings of ${MODELS.length} models predicted the same, ${refused} refused in the same words`,
  )
  assert.ok(predicted >= 200 && refused > 10)
})

test('the command that a changed page shows, typed, prints what the page shows', async () => {
  const page = await pageOf('llama-3.2-1b')
  const recomputed = page.recompute({
    method: 'lora-fa',
    batch_size: '3',
    target_modules: 'q_proj,v_proj',
    gpu: '24GiB',
  })
  if (!recomputed.ok) return assert.unreachable()
  const [name, ...words] = recomputed.result.command.split(' ')
  assert.is(name, 'tidemark')
  same(recomputed.result, await typed(words), recomputed.result.command)
})

test('the setting that a page copies as JSON, given to --config, prints the same', async () => {
  for (const [command, more] of [
    ['estimate', ['--method', 'qlora', '-s', '96']],
    ['compare', ['--methods', 'lora,qlora,dora,lora-fa', '--gpu', 'rtx4090', '-s', '96']],
  ] as const) {
    const saved = await typed([command, 'opt-125m', ...more])
    if (Array.isArray(saved)) return assert.unreachable(JSON.stringify(saved))
    const file = join(folder, 'setting.json')
    writeFileSync(file, viewOf(saved).reproduce.setting)
    const there = await typed([command, 'opt-125m', '--config', file])
    if (Array.isArray(there)) return assert.unreachable(JSON.stringify(there))
    assert.is(parting(there.result, saved.result), null, command)
  }
})

test('a saved comparison asks its own question: methods keep what their names stand for', async () => {
  const saved = await typed([
    'compare',
    'llama-2-7b',
    '--methods',
    'full,lora,qlora',
    '-s',
    '64',
    '--dtype',
    'bfloat16',
  ])
  if (Array.isArray(saved)) return assert.unreachable(JSON.stringify(saved))
  const page = pageFor(saved, 'llama-2-7b')
  const again = page.recompute({})
  same(again.ok && again.result, saved, 'unchanged')
  const changed = page.recompute({ methods: 'lora,lora-fa' })
  const there = await typed(['compare', 'llama-2-7b', '--methods', 'lora,lora-fa', '-s', '64', '--dtype', 'bfloat16'])
  same(changed.ok && changed.result, there, 'changed')
})

test('an address may hold anything: it is refused in words, and nothing is thrown', async () => {
  const page = await pageOf('smollm2-135m')
  const hostile = ['', '-1', '1e9', '99999999999999999999', '<img src=x>', '__proto__', 'constructor', '\u0000', '٣']
  for (const { key, kind } of page.controls) {
    for (const value of hostile) {
      const recomputed = page.recompute({ [key]: value })
      if (kind === 'text') continue
      assert.is(recomputed.ok, false, `${key}=${value}`)
      if (!recomputed.ok) assert.ok(recomputed.problems.every((p) => p.where === flagOf(key) && p.next !== ''))
    }
  }
})

test('what lives at an instant of the page is what the timeline counts there', async () => {
  const page = await pageOf('smollm2-135m')
  const recomputed = page.recompute({ seq_len: '32' })
  if (!recomputed.ok || recomputed.result.schema !== 'tidemark/estimate@1') return assert.unreachable()
  const { timeline } = recomputed.result.result
  const [seq, , parts] = timeline[Math.floor(timeline.length / 3)]!
  const alive = page.aliveAt({ seq_len: '32' }, 0, seq)
  const sum = (values: readonly (number | undefined)[]) => values.reduce<number>((a, b) => a + (b ?? 0), 0)
  assert.is(sum(alive.map((a) => a.bytes)), sum(Object.values(parts)))
})

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import type { TrainingOptions } from './options.ts'
import { Refusals } from './refusals.ts'
import { resolveTraining } from './resolve.ts'

const STACK = { stack: 'torch-2.13+transformers-5.23+peft-0.21' }
const OLD = { stack: 'torch-2.13+transformers-4.48+peft-0.13' }
const resolve = (
  model: string,
  options: TrainingOptions = {},
  defaults: { stack: string } | { engine: string } = STACK,
) => resolveTraining(specFromCatalog(model), options, defaults)

function refusals(work: () => unknown): string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof Refusals) return error.all.map((r) => `${r.where}: ${r.message}`)
    throw error
  }
  return []
}

test("nothing given: the stack's own defaults, each with its reason", () => {
  const { train, assumptions } = resolve('llama-2-7b')
  assert.is(train.method, 'lora')
  assert.is(train.batch, 1)
  assert.is(train.tokens, 1024)
  assert.is(train.dtype, 'float16')
  assert.is(train.attention, 'sdpa')
  assert.is(train.optimizerImpl, 'fused')
  assert.is(train.checkpointing, 'none')
  assert.is(train.adapter?.rank, 8)
  assert.is(train.adapter?.alpha, 8)
  assert.is(train.adapter?.dropout, 0)
  assert.is(train.adapter?.dtype, 'float32')
  assert.equal(train.adapter?.targets, ['q_proj', 'v_proj'])
  const said = new Map(assumptions.map((a) => [a.what, a.from]))
  for (const what of [
    'method',
    'rank',
    'lora-alpha',
    'seq-len',
    'dtype',
    'attention',
    'optimizer-impl',
    'target-modules',
  ])
    assert.ok(said.get(what), what)
})

test('what is given is no assumption', () => {
  const { assumptions, setting } = resolve('llama-2-7b', { rank: 4, method: 'lora-fa', seq_len: 128 })
  const said = assumptions.map((a) => a.what)
  for (const what of ['rank', 'method', 'seq-len']) assert.not(said.includes(what))
  assert.is(setting.rank, 4)
  assert.is(setting.seq_len, 128)
})

test("PEFT's target table by model type", () => {
  assert.equal(resolve('roberta-base').train.adapter?.targets, ['query', 'value'])
  assert.equal(resolve('t5-small').train.adapter?.targets, ['q', 'v'])
  assert.equal(resolve('mistral-7b').train.adapter?.targets, ['q_proj', 'v_proj'])
})

test("a decoder's positions are a table too", () => {
  assert.equal(
    refusals(() => resolve('bart-base', { seq_len: 1024, target_seq_len: 1025 })),
    ['--target-seq-len: is 1025; bart-base takes 1024 positions'],
  )
  assert.equal(
    refusals(() => resolve('t5-small', { target_seq_len: 1025 })),
    [],
  )
})

test('a shorter model has its own length; a table of positions refuses more, rotary ones warn', () => {
  assert.is(resolve('roberta-base').train.tokens, 512)
  assert.match(
    refusals(() => resolve('roberta-base', { seq_len: 513 }))[0] ?? '',
    /--seq-len: is 513; roberta-base takes 512/,
  )
  assert.is(resolve('llama-2-7b', { seq_len: 8192 }).warnings.length, 1)
})

test('the older stack: foreach, and no sdpa for T5', () => {
  assert.is(resolve('llama-2-7b', {}, OLD).train.optimizerImpl, 'foreach')
  assert.is(resolve('t5-small', {}, OLD).train.attention, 'eager')
  assert.is(resolve('roberta-base').train.attention, 'sdpa')
  const { train, assumptions } = resolve('t5-small')
  assert.is(train.attention, 'eager')
  assert.match(assumptions.find((a) => a.what === 'attention')?.from ?? '', /not modelled with a position bias/)
  assert.match(refusals(() => resolve('t5-small', { attention: 'sdpa' }, OLD))[0] ?? '', /sdpa does not exist/)
  assert.match(
    refusals(() => resolve('llama-2-7b', { method: 'lora-fa', optimizer: 'lorafa' }, OLD))[0] ?? '',
    /LoraFAOptimizer, does not exist/,
  )
})

test('an engine: float32, eager, one parameter at a time', () => {
  const { train, assumptions } = resolve('llama-2-7b', {}, { engine: 'wasm' })
  assert.equal([train.dtype, train.attention, train.optimizerImpl], ['float32', 'eager', 'for-loop'])
  assert.ok(assumptions.some((a) => a.what === 'dtype' && a.from.includes('wasm')))
})

test('everything that does not hold together is told in one go', () => {
  const found = refusals(() =>
    resolve('llama-2-7b', { method: 'lora', optimizer: 'lorafa', target_seq_len: 5, packing: true }),
  )
  assert.is(found.length, 3)
  assert.ok(found.some((f) => f.startsWith('--target-seq-len: is for encoder-decoders')))
  assert.ok(found.some((f) => f.startsWith('--packing: is not modelled')))
  assert.ok(found.some((f) => f.startsWith('--optimizer: lorafa freezes A')))
})

test('QLoRA and DoRA stand for LoRA with more, unless it is said otherwise', () => {
  const { train, assumptions } = resolve('llama-2-7b', { method: 'qlora-fa' })
  assert.is(train.method, 'lora-fa')
  assert.equal(train.quantize, { kind: 'nf4-double', prepare: true })
  assert.ok(assumptions.some((a) => a.what === 'quantize' && a.value === 'nf4-double'))
  assert.equal(resolve('llama-2-7b', { method: 'qlora', quantize: 'nf4', prepare_kbit: false }).train.quantize, {
    kind: 'nf4',
    prepare: false,
  })
  assert.is(resolve('llama-2-7b', { method: 'dora' }).train.adapter?.dora, true)
})

test('DoRA on a packed base is taken in 4 bits, and refused where nothing is recorded', () => {
  assert.is(resolve('llama-2-7b', { method: 'dora', quantize: 'nf4' }).train.adapter?.dora, true)
  const found = refusals(() => resolve('llama-2-7b', { method: 'dora', quantize: 'int8' }))
  assert.match(found[0] ?? '', /^--use-dora: is modelled on a packed base in 4 bits/)
})

test('full fine-tuning has no adapter, and says so of flags that need one', () => {
  const { train, warnings } = resolve('llama-2-7b', { method: 'full', rank: 8 })
  assert.is(train.adapter, null)
  assert.match(warnings[0] ?? '', /--rank changes nothing/)
})

test.run()

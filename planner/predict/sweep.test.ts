import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type ModelSpec, specFromCatalog } from '../../models/index.ts'
import type { Dialect } from '../simulate/dialect.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { predict } from './estimate.ts'
import { stepFlops } from './flops.ts'
import { type Peak, peakOf } from './peak.ts'
import { settings } from './settings.test.cases.ts'
import { simulate } from './simulate.ts'
import { DEFAULT_STACK, resolveStack, type Stack } from './stack.ts'
import { compile, Sweep } from './sweep.ts'
import { type Work, workOf } from './work.ts'

/** The same figures from the whole estimate. */
function predicted(model: ModelSpec, train: TrainSpec, stack: Stack): Peak {
  const { peak, tiers } = predict(model, train, stack)
  const { bytes = 0, workspaces_bytes = 0 } = tiers.allocated ?? {}
  return { bytes: peak.bytes, phase: peak.phase, blocks: bytes - workspaces_bytes }
}

/** Of the whole model, every layer simulated. */
const worked = (model: ModelSpec, train: TrainSpec, { dialect, library }: Stack): Work =>
  workOf(simulate(model, train, dialect, { library, counted: true }), train)

const length = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 300 }))
const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 6 }),
  tokens: length,
  rank: fc.integer({ min: 1, max: 40 }),
})

const resized = (
  train: TrainSpec,
  { batch, tokens, rank }: { batch: number; tokens: number; rank: number },
): TrainSpec => ({
  ...train,
  batch,
  tokens,
  targetTokens: tokens,
  adapter: train.adapter && { ...train.adapter, rank },
})

test('a sweep gives what a prediction of each setting gives, in every family and at any sizes', () => {
  let swept = 0
  fc.assert(
    fc.property(settings, fc.array(sizes, { minLength: 3, maxLength: 3 }), ({ model, train, stack }, others) => {
      const sweep = new Sweep(stack)
      for (const [i, setting] of [train, ...others.map((s) => resized(train, s))].entries()) {
        const whole = predicted(model, setting, stack)
        assert.equal(sweep.peak(model, setting), whole)
        assert.equal(peakOf(model, setting, stack), whole)
        if (i === 1) assert.equal(sweep.work(model, setting), worked(model, setting, stack))
      }
      if (compile(model, train, stack)) swept++
    }),
    { numRuns: 60, seed: 13 },
  )
  assert.is(swept, 60)
})

/** Settings in which a size decides more than sizes, one a line. */
const PARTICULAR: readonly (readonly [string, TrainingOptions])[] = [
  ['mistral-7b', { method: 'lora', attention: 'sdpa' }],
  ['mistral-7b', { method: 'lora-fa', attention: 'eager', padding: true }],
  ['t5-small', { method: 'lora', padding: true }],
  ['t5-small', { method: 'full', optimizer_impl: 'foreach' }],
  ['bart-base', { method: 'lora-fa', attention: 'sdpa', padding: true }],
  ['llama-3.2-1b', { method: 'lora', use_dora: true, autocast: 'bfloat16', dtype: 'float32', attention: 'eager' }],
  ['llama-3.2-1b', { method: 'lora', fused_loss: 'liger', dtype: 'bfloat16' }],
  ['llama-3.2-1b', { method: 'lora-fa', optimizer: 'lorafa', quantize: 'nf4', prepare_kbit: true, attention: 'eager' }],
  ['opt-125m', { method: 'lora', padding: true, attention: 'eager' }],
  ['roberta-base', { method: 'lora', modules_to_save: ['classifier'], padding: true }],
]

const particular = fc.record({
  batch_size: fc.integer({ min: 1, max: 4 }),
  seq_len: fc.oneof(length, fc.integer({ min: 48, max: 52 })),
  rank: fc.integer({ min: 1, max: 40 }),
  target_seq_len: length,
})

test("work of a deep model, any rank and any number of micro-steps is that of the whole model's step", () => {
  const stack = resolveStack(DEFAULT_STACK)
  for (const name of ['smollm2-135m', 'gemma-3-1b', 'gpt2']) {
    const model = specFromCatalog(name)
    const sweep = new Sweep(stack)
    for (const [method, rank, gradient_accumulation] of [
      ['lora', 5, 1],
      ['lora-fa', 24, 3],
      ['full', 8, 1],
    ] as const) {
      const asked = { method, rank, batch_size: 2, seq_len: 64, gradient_accumulation } as const
      const { train } = resolveTraining(model, asked, { stack: stack.name })
      assert.equal(sweep.work(model, train), worked(model, train, stack))
      assert.is(sweep.work(model, train).flops, stepFlops(model, train, stack).total)
    }
  }
})

test('where a size decides more than sizes (a window, one token, a padded batch, chunks of a fused loss), it is a structure of its own', () => {
  const stack = resolveStack(DEFAULT_STACK)
  let compared = 0
  for (const [name, options] of PARTICULAR) {
    const published = specFromCatalog(name)
    const model = name === 'mistral-7b' ? { ...published, layers: 9, slidingWindow: 50 } : published
    const sweep = new Sweep(stack)
    fc.assert(
      fc.property(particular, ({ rank, target_seq_len, ...s }) => {
        const asked = {
          ...options,
          ...s,
          ...(options.method === 'full' ? {} : { rank }),
          ...(model.task === 'seq2seq-lm' ? { target_seq_len } : {}),
        }
        try {
          const { train } = resolveTraining(model, asked, { stack: stack.name })
          assert.equal(sweep.peak(model, train), predicted(model, train, stack), `${name} ${JSON.stringify(asked)}`)
          compared++
        } catch (e) {
          if (!(e instanceof Refusal)) throw e
        }
      }),
      { numRuns: 18, seed: 17 },
    )
  }
  assert.ok(compared >= 150, `only ${compared} settings`)
})

test('a structure whose sizes do not follow its formulas is found out, and simulated setting by setting', () => {
  const stack = resolveStack(DEFAULT_STACK)
  let simulations = 0
  // Token ids of another width in every second simulation.
  const dialect: Dialect = {
    ...stack.dialect,
    get integer() {
      return simulations++ % 4 < 2 ? 'int64' : 'int32'
    },
  }
  const model = specFromCatalog('t5-small')
  const { train } = resolveTraining(model, { method: 'lora', seq_len: 40 }, { stack: stack.name })
  assert.ok(compile(model, train, stack))
  assert.is(compile(model, train, { ...stack, dialect }), null)
})

test.run()

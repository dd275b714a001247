import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import type { EstimateBody } from '../result/estimate.ts'
import type { TrainSpec } from '../training/spec.ts'
import { bodyOf } from './estimate.ts'
import { bodyFrom } from './facts.ts'
import { foldLayers } from './fold.ts'
import { simulate } from './simulate.ts'
import { resolveStack, STACKS } from './stack.ts'

const settings = fc.record({
  name: fc.constantFrom(
    'smollm2-135m',
    'llama-3.2-1b',
    'tinyllama-1.1b',
    'qwen2.5-0.5b',
    'qwen3-0.6b',
    'gemma-2b',
    'gemma-2-2b',
    'gemma-3-1b',
    'gpt2',
    'opt-125m',
    'phi-2',
    'phi-3-mini',
    'pythia-410m',
    'bert-base',
    'roberta-base',
    'distilbert-base',
  ),
  layers: fc.integer({ min: 8, max: 11 }),
  method: fc.constantFrom('full', 'lora', 'lora-fa'),
  batch: fc.integer({ min: 1, max: 3 }),
  tokens: fc.integer({ min: 2, max: 80 }),
  attention: fc.constantFrom('eager', 'sdpa'),
  checkpointing: fc.constantFrom('none', 'reentrant', 'non-reentrant'),
  optimizer: fc.constantFrom('adamw', 'sgd'),
  optimizerImpl: fc.constantFrom('foreach', 'fused', 'for-loop'),
  accumulation: fc.constantFrom(1, 2, 3),
  withReference: fc.boolean(),
  quantize: fc.constantFrom(null, null, { kind: 'nf4-double', prepare: true } as const),
  rank: fc.integer({ min: 1, max: 16 }),
  dropout: fc.constantFrom(0, 0.1),
  dtype: fc.constantFrom('bfloat16', 'float32'),
  stack: fc.constantFrom(...STACKS.map((s) => s.name)),
} as const)

/** The same estimate with its tables in one order: rows of equal bytes have none of their own. */
const ordered = (b: EstimateBody) => ({
  ...b,
  saved: b.saved.map((r) => JSON.stringify(r)).sort(),
  peak: { ...b.peak, alive: b.peak.alive.map((r) => JSON.stringify(r)).sort() },
  law: {
    ...b.law,
    expression: b.law.expression.split(' + ').sort(),
    terms: b.law.terms.map((r) => JSON.stringify(r)).sort(),
  },
})

test('a folded prediction equals the simulation of every layer, in every figure and table', () => {
  let folded = 0
  fc.assert(
    fc.property(settings, ({ name, layers, rank, dropout, method, withReference, quantize, stack, ...s }) => {
      const published = specFromCatalog(name)
      // DistilBERT has fewer than would pay; where kinds of layers take turns, more are needed.
      const model =
        'kinds' in published
          ? { ...published, layers: 3 * layers, slidingWindow: 40 }
          : 'layers' in published
            ? { ...published, layers }
            : published
      const on = resolveStack(stack)
      const { dialect, library } = on
      if (library.modelTypes?.has(model.modelType) === false) return
      const train: TrainSpec = {
        ...s,
        // grouped keys in float32 have no fused kernel, and are refused
        attention:
          'kvHeads' in model && model.kvHeads < model.heads && (s.dtype === 'float32' || quantize)
            ? 'eager'
            : s.attention,
        method,
        targetTokens: s.tokens,
        padding: false,
        reference: withReference && method !== 'full',
        autocast: 'none',
        task: model.task,
        // A quantized Conv1D is refused.
        ...(quantize && method !== 'full' && model.family !== 'gpt2' ? { quantize } : {}),
        adapter:
          method === 'full'
            ? null
            : { rank, alpha: rank, dropout, targets: ['all-linear'], dtype: 'float32', rslora: false },
      }
      const facts = foldLayers(model, train, on)
      if (!facts) return
      folded++
      const { network, events } = simulate(model, train, dialect, { library })
      const whole = bodyOf(network, events, on.allocator)
      assert.equal(ordered(bodyFrom(facts, null, on.allocator)), ordered(whole))
    }),
    { numRuns: 100, seed: 7 },
  )
  assert.ok(folded > 40, `only ${folded} settings folded`)
})

test.run()

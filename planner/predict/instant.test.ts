import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { resolveTraining } from '../training/resolve.ts'
import { predict } from './estimate.ts'
import { aliveAt } from './instant.ts'
import { DEFAULT_STACK, resolveStack } from './stack.ts'

const stack = resolveStack(DEFAULT_STACK)

for (const [name, options] of [
  ['smollm2-135m', { method: 'lora', gradient_checkpointing: 'non-reentrant' }],
  ['smollm2-135m', { method: 'full', gradient_accumulation: 3, optimizer: 'sgd' }],
  ['roberta-base', { method: 'lora-fa', quantize: 'nf4', prepare_kbit: true }],
  ['t5-small', { method: 'lora-fa', target_modules: ['all-linear'] }],
] as const) {
  test(`${name} ${options.method}: what lives at any point of the timeline adds up to that point`, () => {
    const model = specFromCatalog(name)
    const { train } = resolveTraining(model, { ...options, seq_len: 32 }, { stack: stack.name })
    const { timeline } = predict(model, train, stack)
    for (let i = 0; i < timeline.length; i += Math.ceil(timeline.length / 12)) {
      const [seq, phase, parts] = timeline[i]!
      const found: Record<string, number> = {}
      for (const a of aliveAt(model, train, stack, seq)) found[a.category] = (found[a.category] ?? 0) + a.bytes
      assert.equal(found, parts, `${phase} ${seq}`)
    }
  })
}

test.run()

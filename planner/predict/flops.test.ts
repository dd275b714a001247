import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog, specFromConfig } from '../../models/index.ts'
import { EXECUTED } from '../network/library.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { stepFlops } from './flops.ts'
import { DEFAULT_STACK } from './stack.ts'

interface Row {
  readonly config: Record<string, unknown>
  readonly method: TrainSpec['method']
  readonly batch: number
  readonly tokens: number
  readonly target_tokens: number
  readonly checkpointing: 'none' | 'non-reentrant'
  readonly forward: number
  readonly backward: number
}

const rows: Row[] = readFileSync(new URL('../../../fixtures/flops/steps.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

const adapter = { target_modules: ['all-linear'], rank: 8 }

for (const row of rows) {
  const { method, checkpointing, config } = row
  test(`${String(config.model_type)} ${method}, checkpointing ${checkpointing}: as many as PyTorch's counter counts`, () => {
    const model = specFromConfig({ ...config, torch_dtype: 'float32' }, { name: 'counted' })
    const { train } = resolveTraining(
      model,
      {
        method,
        batch_size: row.batch,
        seq_len: row.tokens,
        attention: 'eager',
        gradient_checkpointing: checkpointing,
        ...(config.model_type === 't5' ? { target_seq_len: row.target_tokens } : {}),
        ...(method === 'full' ? {} : adapter),
      },
      { stack: DEFAULT_STACK },
    )
    const { forward, recomputed, backward, total } = stepFlops(model, train)
    assert.is(forward, row.forward)
    assert.is(recomputed + backward, row.backward)
    assert.is(total, row.forward + row.backward)
  })
}

const llama = specFromCatalog('smollm2-135m')
const setting = (options: Parameters<typeof resolveTraining>[1]) =>
  resolveTraining(llama, { seq_len: 512, dtype: 'float32', ...options }, { engine: 'wasm' }).train

test('micro-steps multiply, and a pass of reference adds a forward', () => {
  const one = stepFlops(llama, setting({ method: 'lora' }))
  const four = stepFlops(llama, setting({ method: 'lora', gradient_accumulation: 4 }))
  assert.is(four.total, 4 * one.total)
  const compared = stepFlops(llama, setting({ method: 'lora', reference_model: true }))
  assert.is(compared.backward, one.backward)
  assert.ok(compared.forward > 1.9 * one.forward && compared.forward < 2 * one.forward)
})

test('attention by blocks passes over what the mask would hide, and works its scores out again in the backward', () => {
  const of = (attention: TrainSpec['attention']) =>
    stepFlops(llama, setting({ method: 'full', attention }), { library: EXECUTED })
  const [eager, flash] = [of('eager'), of('flash_attention_2')]
  const { layers, heads, headDim } = llama as { layers: number; heads: number; headDim: number }
  const square = 2 * layers * heads * headDim * 512 * 512
  const half = 2 * layers * heads * headDim * ((512 * 513) / 2)
  assert.is(eager.forward - flash.forward, 2 * (square - half))
  assert.is(eager.backward - flash.backward, 4 * square - 5 * half)
})

test('what a checkpoint keeps is not multiplied again', () => {
  const of = (options: Parameters<typeof setting>[0]) => {
    const train = setting({ method: 'lora', gradient_checkpointing: 'non-reentrant', ...options })
    return stepFlops(llama, train, { library: EXECUTED })
  }
  const [whole, half] = [of({}), of({ checkpoint_every: 2 })]
  assert.is(half.recomputed, whole.recomputed / 2)
  assert.is(of({ checkpoint_keep: 'products' }).recomputed, 0)
  // scores are products as well, which eager attention writes out
  assert.is(of({ checkpoint_keep: 'attention' }).recomputed, whole.recomputed)
  const flash = (options: Parameters<typeof setting>[0]) =>
    of({ attention: 'flash_attention_2', ...options }).recomputed
  assert.ok(flash({ checkpoint_keep: 'attention' }) < flash({}))
})

test('LoRA-FA spares the product of dA only', () => {
  const of = (method: TrainSpec['method']) => stepFlops(llama, setting({ method, target_modules: ['q_proj'] }))
  const [lora, fa] = [of('lora'), of('lora-fa')]
  const { layers, hidden } = llama as { layers: number; hidden: number }
  assert.is(lora.forward, fa.forward)
  // dA of every layer; without it the first layer's q has no gradient to hand on through B.
  const dA = 2 * 512 * hidden * 8
  assert.ok(lora.backward - fa.backward >= layers * dA)
  assert.ok(lora.backward - fa.backward <= layers * dA + 4 * dA)
})

test.run()

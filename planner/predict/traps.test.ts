import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { DEFAULT_STACK, predict, resolveStack } from './index.ts'
import { type Trap, trapsOf } from './traps.ts'

const model = specFromCatalog('smollm2-135m', { layers: 4 })
const stack = resolveStack(DEFAULT_STACK)
const BASE: TrainingOptions = { method: 'lora-fa', target_modules: ['all-linear'], seq_len: 64, fused_loss: 'none' }
const bodyFor = (train: TrainSpec) => predict(model, train, stack)
const trainOf = (options: TrainingOptions): TrainSpec =>
  resolveTraining(model, { ...BASE, ...options }, { stack: stack.name }).train

function trap<K extends Trap['kind']>(options: TrainingOptions, kind: K): Extract<Trap, { kind: K }> | undefined {
  const train = trainOf(options)
  const found = trapsOf(train, bodyFor(train), bodyFor).find((t) => t.kind === kind)
  return found as Extract<Trap, { kind: K }> | undefined
}

test('a pass of reference makes LoRA-FA keep what LoRA keeps, and gives A gradients', () => {
  const found = trap({ reference_model: true }, 'reference')
  const [lora, fa] = (['lora', 'lora-fa'] as const).map((method) => bodyFor(trainOf({ method })))
  assert.is(found?.savedBytes, lora!.saved_bytes - fa!.saved_bytes)
  assert.is(found?.gradientBytes, lora!.gradients_bytes - fa!.gradients_bytes)
  assert.ok(found!.savedBytes > 0 && found!.gradientBytes > 0)
  assert.is(trap({}, 'reference'), undefined)
})

test('the optimizer has B alone all the same', () => {
  const [with_, without] = [true, false].map((reference_model) => bodyFor(trainOf({ reference_model })))
  assert.is(with_!.parameters.trainable, without!.parameters.trainable)
  assert.is(with_!.optimizer_state_bytes, without!.optimizer_state_bytes)
})

test('checkpointing leaves LoRA-FA less to save', () => {
  const found = trap({ gradient_checkpointing: 'non-reentrant' }, 'checkpointing')
  const [lora, fa] = (['lora', 'lora-fa'] as const).map((method) => bodyFor(trainOf({ method })).peak.bytes)
  assert.is(found?.withoutBytes, lora! - fa!)
  assert.ok(found!.lowersBytes < found!.withoutBytes)
  assert.is(trap({}, 'checkpointing'), undefined)
})

test("o_proj's input is sdpa's output: kept anyway, unless the adapter has a float32 copy of its own", () => {
  const found = trap({ adapter_dtype: 'base' }, 'kept-anyway')
  // 4 layers × [1 × 64 tokens × 9 heads × 64] in bfloat16
  assert.equal(found, { kind: 'kept-anyway', bytes: 4 * 64 * 9 * 64 * 2, tensors: 4, by: ['sdpa'] })
  assert.is(trap({ adapter_dtype: 'base', target_modules: ['q_proj'] }, 'kept-anyway'), undefined)
  assert.is(trap({ adapter_dtype: 'float32' }, 'kept-anyway'), undefined)
})

test('dropout keeps a mask of a byte an element for each adapted input', () => {
  const found = trap({ lora_dropout: 0.1 }, 'dropout')
  // q, k, v, gate, up and o take 576 columns, down 1536; nothing before the first layer's q, k, v wants a gradient
  assert.equal(found, { kind: 'dropout', bytes: 64 * (4 * (6 * 576 + 1536) - 3 * 576), tensors: 4 * 7 - 3 })
  assert.is(trap({}, 'dropout'), undefined)
})

test('int8 keeps the inputs of the base linears that want a gradient, once each', () => {
  const found = trap({ quantize: 'int8', target_modules: ['q_proj'] }, 'int8')
  // the input of q, k and v, o's, the input of gate and up, and down's; the first layer's q, k and v want no gradient
  assert.equal(found, { kind: 'int8', bytes: 2 * 64 * (4 * (3 * 576 + 1536) - 576), tensors: 4 * 4 - 1 })
  assert.is(trap({ quantize: 'nf4' }, 'int8'), undefined)
  const kept = trap({ quantize: 'int8', gradient_checkpointing: 'non-reentrant' }, 'int8')
  assert.ok(kept!.bytes > 0, 'no saved-tensor hook packs an attribute')
})

test('logits count once each', () => {
  const found = trap({}, 'logits')
  const { alive } = bodyFor(trainOf({})).peak
  const rows = alive.filter((a) => a.monomial.includes('V') && a.category !== 'parameter')
  assert.is(
    found?.bytes,
    rows.reduce((n, a) => n + a.bytes, 0),
  )
  assert.ok(found!.bytes < bodyFor(trainOf({})).peak.bytes)
  assert.is(trap({ seq_len: 1, batch_size: 1, method: 'full' }, 'logits'), undefined)
})

test('dropout makes DoRA keep each adapted weight once more, in the type of x', () => {
  const setting = { method: 'dora', lora_dropout: 0.1, target_modules: ['q_proj', 'down_proj'] } as const
  // q is 576 × 576, down 576 × 1536; the first layer's q has an input that wants no gradient
  const elements = 3 * 576 * 576 + 4 * 576 * 1536
  assert.equal(trap(setting, 'dora-weights'), { kind: 'dora-weights', bytes: 4 * elements, tensors: 7 })
  assert.equal(trap({ ...setting, quantize: 'nf4' }, 'dora-weights')?.bytes, 4 * elements)
  assert.is(trap({ ...setting, adapter_dtype: 'base' }, 'dora-weights'), undefined)
  assert.is(trap({ ...setting, lora_dropout: 0 }, 'dora-weights'), undefined)
})

test('experts stay unpacked beside packed linears, and are widened with what is not packed', () => {
  const routed = specFromCatalog('qwen3-30b-a3b', { layers: 2 })
  const found = (options: TrainingOptions) => {
    const asked = { ...BASE, target_modules: ['q_proj'], attention: 'eager', ...options } as const
    const { train } = resolveTraining(routed, asked, { stack: stack.name })
    return trapsOf(train, predict(routed, train, stack), null).find((t) => t.kind === 'experts')
  }
  const elements = 2 * 128 * 3 * 2048 * 768
  assert.equal(found({ quantize: 'nf4' }), { kind: 'experts', bytes: 2 * elements, tensors: 4, widened: false })
  assert.equal(found({ quantize: 'nf4', prepare_kbit: true }), {
    kind: 'experts',
    bytes: 4 * elements,
    tensors: 4,
    widened: true,
  })
  assert.is(found({}), undefined)
})

test.run()

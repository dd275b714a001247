import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { catalogEntry, specFromCatalog, specFromConfig } from '../../models/index.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { DEFAULT_STACK, predict, resolveStack, STACKS } from './index.ts'

function predicted(name: string, options: TrainingOptions, stack = DEFAULT_STACK): () => unknown {
  const model = specFromCatalog(name, { layers: 1 })
  const { train } = resolveTraining(model, { seq_len: 16, ...options }, { stack })
  return () => predict(model, train, resolveStack(stack))
}

const OLDER = STACKS[1]!.name

const refused = (name: string, options: TrainingOptions, why: RegExp, stack = DEFAULT_STACK) =>
  assert.throws(predicted(name, options, stack), (e: unknown) => e instanceof Refusal && why.test(e.message))

test('float32 sdpa with grouped keys, which CUDA runs without a fused kernel, is refused', () => {
  refused('tinyllama-1.1b', { dtype: 'float32', attention: 'sdpa' }, /grouped|fewer key heads/)
  assert.not.throws(predicted('tinyllama-1.1b', { dtype: 'float32', attention: 'eager' }))
  assert.not.throws(predicted('tinyllama-1.1b', { dtype: 'bfloat16', attention: 'sdpa' }))
  assert.not.throws(predicted('tinyllama-1.1b', { dtype: 'float32', autocast: 'bfloat16', attention: 'sdpa' }))
  assert.not.throws(predicted('llama-2-7b', { dtype: 'float32', attention: 'sdpa' }))
})

test('T5 in float16 and in 4 bits, where transformers treats single modules apart, is refused', () => {
  refused('t5-small', { dtype: 'float16', attention: 'eager', method: 'full' }, /float16/)
  refused('t5-small', { attention: 'eager', method: 'lora', quantize: 'nf4' }, /wo/)
  assert.not.throws(predicted('t5-small', { dtype: 'bfloat16', attention: 'eager', method: 'full' }))
})

test("T5's reentrant checkpointing, and the older stack's, are refused", () => {
  const eager: TrainingOptions = { attention: 'eager', method: 'lora' }
  refused('t5-small', { ...eager, gradient_checkpointing: 'reentrant' }, /reentrant/)
  assert.not.throws(predicted('t5-small', { ...eager, gradient_checkpointing: 'non-reentrant' }))
  refused('t5-small', { ...eager, gradient_checkpointing: 'non-reentrant' }, /4\.48/, OLDER)
})

test('BART in float16, whose encoder reads its own values, is refused', () => {
  refused('bart-base', { dtype: 'float16' }, /float16/)
  assert.not.throws(predicted('bart-base', { dtype: 'bfloat16' }))
})

test('Gemma 2 has no sdpa, which caps no scores; eager is its default', () => {
  const said = (attention: 'eager' | 'sdpa') => () =>
    resolveTraining(specFromCatalog('gemma-2-2b'), { attention }, { stack: DEFAULT_STACK })
  assert.throws(said('sdpa'), /sdpa does not exist for gemma2/)
  assert.not.throws(said('eager'))
  const { train } = resolveTraining(specFromCatalog('gemma-2-2b'), {}, { stack: DEFAULT_STACK })
  assert.is(train.attention, 'eager')
  assert.not.throws(predicted('gemma-3-1b', { attention: 'sdpa', dtype: 'bfloat16' }))
})

test('ModernBERT in 4 bits, and StableLM with a norm a head, are refused', () => {
  refused('modernbert-base', { method: 'lora', target_modules: ['Wqkv'], quantize: 'nf4' }, /modernbert in 4 or 8 bits/)
  assert.not.throws(predicted('modernbert-base', { method: 'lora', target_modules: ['Wqkv'] }))
  const { config } = catalogEntry('stablelm-2-1.6b')!
  const normed = () => specFromConfig({ ...config, qk_layernorm: true }, { name: 'normed' })
  assert.throws(normed, /a norm a head/)
})

test('flash-attn takes 16-bit types, heads of a multiple of 8, and no padding that it would have to count', () => {
  const attention = 'flash_attention_2'
  refused('llama-2-7b', { attention, dtype: 'float32' }, /bfloat16 and float16 only/)
  refused('llama-2-7b', { attention, padding: true }, /how much of it is padding/)
  refused('t5-small', { attention, dtype: 'bfloat16' }, /not modelled for t5/)
  refused('gpt2', { attention, dtype: 'bfloat16' }, /not modelled for gpt2/, OLDER)
  const mixed: TrainingOptions = { attention, dtype: 'float32', autocast: 'bfloat16' }
  assert.not.throws(predicted('llama-2-7b', mixed))
  refused('llama-2-7b', mixed, /16-bit v/, OLDER)
})

test("experts: PEFT's adapters on their parameters, and rows that the grouped product does not take", () => {
  const target_modules = ['q_proj', 'v_proj']
  assert.not.throws(predicted('qwen3-30b-a3b', { target_modules }))
  assert.not.throws(predicted('mixtral-8x7b', {}))
  for (const converted of ['all-linear', 'down_proj', 'gate_proj', 'gate', 'mlp.up_proj'])
    refused('qwen3-30b-a3b', { target_modules: ['q_proj', converted] }, /turns .* into target_parameters/)
  refused('mixtral-8x7b', { target_modules: ['w1', 'w2', 'w3'] }, /turns w1 into target_parameters/)
  const { config } = catalogEntry('qwen3-30b-a3b')!
  const odd = specFromConfig({ ...config, num_hidden_layers: 1, moe_intermediate_size: 772 }, { name: 'odd' })
  const estimate = (dtype: 'bfloat16' | 'float32') => () => {
    const { train } = resolveTraining(
      odd,
      { method: 'full', seq_len: 16, dtype, attention: 'eager' },
      { stack: DEFAULT_STACK },
    )
    return predict(odd, train, resolveStack(DEFAULT_STACK))
  }
  assert.throws(estimate('bfloat16'), /772 numbers in bfloat16 are 1544/)
  assert.not.throws(estimate('float32'))
  refused('mixtral-8x7b', {}, /not modelled as transformers-4/, OLDER)
  refused('mixtral-8x7b', { gpus: 2, zero: 3 }, /ZeRO is not modelled with experts/)
  refused('mixtral-8x7b', { gpus: 2, fsdp: 'full_shard' }, /is not modelled for mixtral/)
})

test("liger's fused loss: no adapter on the head, no other type than the head's", () => {
  const fused_loss = 'liger'
  assert.not.throws(predicted('llama-2-7b', { fused_loss }))
  refused('llama-2-7b', { fused_loss, target_modules: ['q_proj', 'lm_head'] }, /passes over its adapter/)
  refused('llama-2-7b', { fused_loss, dtype: 'float32', autocast: 'bfloat16' }, /another type than the head/)
  refused('bert-base', { fused_loss }, /not modelled for bert/)
})

test("foak's kernels: the older stack's LLaMA and Mistral, and what its adapters take", () => {
  const fused_kernels = 'foak'
  const qlora: TrainingOptions = {
    fused_kernels,
    method: 'lora',
    quantize: 'nf4-double',
    dtype: 'bfloat16',
    autocast: 'bfloat16',
    attention: 'eager',
    target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  }
  assert.not.throws(predicted('llama-2-7b', qlora, OLDER))
  refused('llama-2-7b', qlora, /foak is not modelled as transformers-5/)
  refused('gpt2', { fused_kernels }, /foak is not modelled for gpt2/, OLDER)
  refused('llama-2-7b', { ...qlora, quantize: 'nf4' }, /nested scales only/, OLDER)
  refused('llama-2-7b', { ...qlora, autocast: 'none' }, /demands mixed precision/, OLDER)
  refused('llama-2-7b', { ...qlora, prepare_kbit: true }, /float32 is not modelled/, OLDER)
  refused('llama-2-7b', { ...qlora, reference_model: true }, /biases or a reference pass/, OLDER)
  refused('llama-2-7b', { ...qlora, target_modules: ['all-linear'] }, /fused MLP is not modelled/, OLDER)
  refused('llama-2-7b', { ...qlora, target_modules: ['q_proj', 'o_proj'] }, /fails on some of them/, OLDER)
  assert.not.throws(predicted('llama-2-7b', { ...qlora, target_modules: ['q_proj', 'v_proj'] }, OLDER))
})

test('what transformers 4.48 decides by values, or has no files followed for, is refused', () => {
  refused('llama-2-7b', { padding: true }, /values of the batch/, OLDER)
  assert.not.throws(predicted('llama-2-7b', { padding: true, attention: 'eager' }, OLDER))
  refused('mistral-7b', { seq_len: 4096 }, /rows CUDA pads/, OLDER)
  refused('gemma-2b', {}, /gemma is not modelled as transformers-4.48/, OLDER)
  refused('bert-base', { padding: true }, /values of the batch/, OLDER)
})

test.run()

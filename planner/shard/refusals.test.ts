import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog, specFromConfig } from '../../models/index.ts'
import type { ModelSpec } from '../../models/spec.ts'
import { DEFAULT_STACK, predict, resolveStack, STACKS, worstRank } from '../predict/index.ts'
import { peakOf } from '../predict/peak.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainingOptions } from '../training/options.ts'
import { seenBy } from '../training/parallelism.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { refuseUndivided } from './index.ts'

const stack = resolveStack(DEFAULT_STACK)
const TINY = {
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 7,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  vocab_size: 128,
  tie_word_embeddings: false,
}
const tiny = (architecture: string, type: string, more = {}): ModelSpec =>
  specFromConfig(
    { architectures: [architecture], model_type: type, torch_dtype: 'bfloat16', ...TINY, ...more },
    { name: 'tiny' },
  )
const LLAMA = tiny('LlamaForCausalLM', 'llama')

const trainOf = (model: ModelSpec, options: TrainingOptions): TrainSpec =>
  resolveTraining(model, { seq_len: 16, ...options }, { stack: stack.name }).train

/** Where the setting is refused and why; that predicting it refuses it as well. */
function refusal(model: ModelSpec, train: TrainSpec, on = stack): string {
  const told = (work: () => unknown): string => {
    try {
      work()
    } catch (error) {
      if (error instanceof Refusal) return `${error.where}: ${error.message}`
      throw error
    }
    return 'nothing'
  }
  const before = told(() => refuseUndivided(model, train, on.library))
  if (before !== 'nothing')
    assert.is(
      told(() => predict(model, train, on)),
      before,
    )
  return before
}

const PIPELINE: TrainingOptions = { pp: 2, gradient_accumulation: 2 }
const PIECES: TrainingOptions = { tp: 2, method: 'full' }

const REFUSED: readonly (readonly [TrainingOptions, RegExp])[] = [
  [{ ...PIPELINE, gradient_accumulation: 1 }, /^--gradient-accumulation: is 1; .* there are 2/],
  [{ ...PIPELINE, gradient_accumulation: 257 }, /^--gradient-accumulation: is 257; .* one by one/],
  [{ pp: 8, gradient_accumulation: 8 }, /^--pp: is 8, and the model has 7 layers/],
  [{ ...PIPELINE, padding: true }, /with a padded batch/],
  [{ ...PIPELINE, autocast: 'bfloat16' }, /with autocast/],
  [{ ...PIPELINE, gradient_checkpointing: 'reentrant' }, /with reentrant checkpointing/],
  [{ ...PIPELINE, attention: 'flash_attention_2' }, /with flash_attention_2/],
  [{ ...PIPELINE, quantize: 'nf4' }, /with a quantized base/],
  [{ ...PIPELINE, fused_loss: 'liger' }, /with a fused loss/],
  [{ ...PIPELINE, reference_model: true }, /with a pass of reference/],
  [{ ...PIPELINE, use_dora: true }, /with DoRA/],
  [{ ...PIPELINE, modules_to_save: ['lm_head'] }, /with modules that train whole/],
  [{ ...PIPELINE, method: 'lora-fa', optimizer: 'lorafa' }, /with lorafa/],
  [{ ...PIPELINE, method: 'full', optimizer: 'adafactor' }, /with adafactor/],
  [{ tp: 3, method: 'full' }, /^--tp: 8 heads do not divide among 3 ranks/],
  [{ tp: 8, method: 'full' }, /^--tp: 4 heads of keys and values do not divide among 8/],
  [{ tp: 2, target_modules: ['all-linear'] }, /^--tp: PEFT 0\.21\.2 fails .* by rows: o_proj, down_proj/],
  [{ tp: 2, target_modules: ['model.layers.0.mlp.down_proj'] }, /by rows: down_proj/],
  [{ tp: 2, target_modules: ['q_proj', 'lm_head'] }, /^--tp: nothing sums .* on lm_head, so that ranks train apart/],
  [{ tp: 2, use_dora: true }, /^--tp: DoRA over pieces/],
  [{ tp: 2, modules_to_save: ['lm_head'] }, /^--tp: modules that train whole/],
  [{ tp: 2, reference_model: true }, /^--tp: a pass of reference/],
  [{ ...PIECES, optimizer: 'adamw-8bit' }, /^--tp: adamw-8bit is not modelled over pieces/],
  [{ ...PIECES, autocast: 'float16', dtype: 'float32' }, /^--tp: autocast to float16/],
  [{ ...PIECES, fused_loss: 'liger' }, /^--tp: fused kernels over pieces/],
]

test('what no recording says of a pipeline, or of pieces of layers, is refused by name, by who asks first and by the prediction', () => {
  for (const [options, words] of REFUSED)
    assert.match(refusal(LLAMA, trainOf(LLAMA, options)), words, JSON.stringify(options))
})

test('models without recorded stages or a followed plan, and older stacks', () => {
  const gemma = tiny('GemmaForCausalLM', 'gemma', { head_dim: 16 })
  const gpt2 = specFromCatalog('gpt2')
  const tied = tiny('LlamaForCausalLM', 'llama', { tie_word_embeddings: true })
  assert.match(refusal(gemma, trainOf(gemma, PIPELINE)), /stages of gemma are not modelled/)
  assert.match(refusal(gpt2, trainOf(gpt2, PIPELINE)), /stages of gpt2 are not modelled/)
  assert.match(refusal(tied, trainOf(tied, PIPELINE)), /a head tied to the embedding/)
  assert.match(refusal(gpt2, trainOf(gpt2, PIECES)), /the plan of gpt2 is not modelled/)
  for (const old of STACKS.filter((s) => s !== stack))
    for (const options of [PIPELINE, PIECES])
      assert.match(refusal(LLAMA, trainOf(LLAMA, options), old), /which this stack (is not|does not have)/)
})

test('what was recorded is not refused', () => {
  const mistral = tiny('MistralForCausalLM', 'mistral')
  for (const [model, options] of [
    [LLAMA, { ...PIPELINE, method: 'lora-fa', gradient_checkpointing: 'non-reentrant' }],
    [mistral, { ...PIPELINE, method: 'full', optimizer: 'sgd' }],
    [mistral, { ...PIECES, gradient_checkpointing: 'reentrant', padding: true, attention: 'eager' }],
    [LLAMA, { ...PIECES, gradient_accumulation: 3, optimizer: 'sgd' }],
    [LLAMA, { tp: 4, method: 'lora-fa', target_modules: ['q_proj', 'up_proj'] }],
  ] as const)
    assert.is(refusal(model, trainOf(model, options)), 'nothing')
})

test('the two do not go together, nor with shards, nor with a number of devices that is another', () => {
  const wrong: readonly (readonly [TrainingOptions, RegExp])[] = [
    [{ ...PIPELINE, tp: 2 }, /in the stages of --pp is not modelled/],
    [{ ...PIECES, fsdp: 'full_shard' }, /with --fsdp is not modelled/],
    [{ ...PIECES, zero: 2 }, /with --zero is not modelled/],
    [{ ...PIECES, gpus: 4 }, /is 4: 2 copies of a model over --tp 2 are not modelled/],
    [{ ...PIPELINE, gpus: 3 }, /is 3, and a model over --pp 2 takes 2 devices/],
  ]
  for (const [options, words] of wrong) assert.throws(() => trainOf(LLAMA, options), words)
  const engine = { engine: 'wasm' } as const
  assert.throws(() => resolveTraining(LLAMA, { ...PIECES, seq_len: 16 }, engine), /an engine runs on one device/)
})

test('words that say one device say nothing', () => {
  assert.is(trainOf(LLAMA, { tp: 1, pp: 1 }).parallelism, undefined)
  assert.is(trainOf(LLAMA, { tp: 1, gpus: 2 }).parallelism?.data.kind, 'ddp')
})

test('of a pipeline the stage that holds most is shown, whichever it is, and each stage is told', () => {
  // a wide vocabulary makes the last the worst; of equal layers the first have most under way, and the second also receives
  const wide = tiny('LlamaForCausalLM', 'llama', { vocab_size: 4096 })
  const worsts = (
    [
      [wide, { pp: 3, gradient_accumulation: 3, method: 'full', seq_len: 64 }],
      [LLAMA, { pp: 7, gradient_accumulation: 8, method: 'lora-fa', seq_len: 64 }],
    ] as const
  ).map(([model, options]) => {
    const train = trainOf(model, options)
    const peaks = Array.from(
      { length: options.pp },
      (_, rank) => peakOf(model, { ...train, parallelism: seenBy(rank, train.parallelism!) }, stack).bytes,
    )
    const { train: worst, ranks } = worstRank(model, train, stack)
    assert.equal(
      ranks!.stages!.map((s) => [s.rank, s.peak_bytes]),
      peaks.map((bytes, rank) => [rank, bytes]),
    )
    assert.is(
      ranks!.stages!.reduce((n, s) => n + s.layers, 0),
      7,
    )
    assert.is(predict(model, worst, stack).peak.bytes, Math.max(...peaks))
    assert.is(ranks!.strategy, `pp_${options.pp} (1f1b)`)
    return ranks!.worst
  })
  assert.equal(worsts, [2, 1])
})

test('ranks that share layers are alike', () => {
  const train = trainOf(LLAMA, { ...PIECES, tp: 4 })
  const { ranks } = worstRank(LLAMA, train, stack)
  assert.equal([ranks!.strategy, ranks!.gpus, ranks!.worst, ranks!.stages], ['tp_4', 4, 0, undefined])
  assert.is(ranks!.least.peak_bytes, predict(LLAMA, train, stack).peak.bytes)
})

test.run()

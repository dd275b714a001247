import * as fc from 'fast-check'
import { evaluate } from 'mathjs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { describeDimensions, type ModelSpec, specFromConfig } from '../../models/index.ts'
import type { LawBranches } from '../result/estimate.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { DEFAULT_STACK, predict, resolveStack } from './index.ts'
import { lawBranches } from './law.ts'

const stack = resolveStack(DEFAULT_STACK)

interface Widths {
  readonly heads: number
  readonly width: number
  readonly inner: number
  readonly vocab: number
  readonly layers: number
}
/** Configurations of one program at any width: what is equal stays equal, what differs stays different. */
const MODELS: Readonly<Record<string, (w: Widths) => Record<string, unknown>>> = {
  llama: ({ heads, width, inner, vocab, layers }) => ({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 2 * heads * width,
    num_attention_heads: 2 * heads,
    num_key_value_heads: heads,
    intermediate_size: inner,
    vocab_size: vocab,
    num_hidden_layers: layers,
  }),
  gemma: ({ heads, width, inner, vocab, layers }) => ({
    architectures: ['GemmaForCausalLM'],
    model_type: 'gemma',
    hidden_size: 2 * heads * width + 8,
    num_attention_heads: 2 * heads,
    num_key_value_heads: 1,
    head_dim: width,
    intermediate_size: inner,
    vocab_size: vocab,
    num_hidden_layers: layers,
  }),
  qwen3_moe: ({ heads, width, inner, vocab, layers }) => ({
    architectures: ['Qwen3MoeForCausalLM'],
    model_type: 'qwen3_moe',
    hidden_size: 2 * heads * width,
    num_attention_heads: 2 * heads,
    num_key_value_heads: heads,
    head_dim: width,
    intermediate_size: inner,
    // rows of experts begin at multiples of 16 bytes
    moe_intermediate_size: 8 * Math.ceil(inner / 8),
    num_experts: heads + 7,
    num_experts_per_tok: heads,
    norm_topk_prob: true,
    vocab_size: vocab,
    num_hidden_layers: layers,
  }),
  gpt2: ({ heads, width, inner, vocab, layers }) => ({
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_embd: heads * width,
    n_head: heads,
    n_inner: inner,
    vocab_size: vocab,
    n_layer: layers,
  }),
  roberta: ({ heads, width, inner, vocab, layers }) => ({
    architectures: ['RobertaForSequenceClassification'],
    model_type: 'roberta',
    hidden_size: heads * width,
    num_attention_heads: heads,
    intermediate_size: inner,
    vocab_size: vocab,
    num_hidden_layers: layers,
    max_position_embeddings: 514,
    type_vocab_size: 1,
  }),
  t5: ({ heads, width, inner, vocab }) => ({
    architectures: ['T5ForConditionalGeneration'],
    model_type: 't5',
    d_model: heads * width + 8,
    d_kv: width,
    d_ff: inner,
    num_layers: 3,
    num_heads: heads,
    vocab_size: vocab,
    decoder_start_token_id: 0,
  }),
}

const SETTINGS: readonly TrainingOptions[] = [
  { method: 'full', optimizer_impl: 'foreach' },
  { method: 'lora', target_modules: ['all-linear'], lora_dropout: 0.1 },
  { method: 'lora-fa', target_modules: ['all-linear'], gradient_checkpointing: 'non-reentrant', dtype: 'bfloat16' },
]

const widths = fc.record({
  heads: fc.integer({ min: 2, max: 6 }),
  width: fc.integer({ min: 2, max: 8 }).map((n) => 8 * n),
  inner: fc.integer({ min: 70, max: 900 }),
  vocab: fc.integer({ min: 90, max: 3000 }),
  layers: fc.integer({ min: 3, max: 14 }),
})
const batch = fc.record({
  batch_size: fc.integer({ min: 2, max: 5 }),
  seq_len: fc.oneof(fc.integer({ min: 2, max: 24 }), fc.integer({ min: 25, max: 500 })),
  rank: fc.integer({ min: 2, max: 40 }),
})

function lawOf(model: ModelSpec, options: TrainingOptions): LawBranches {
  const { train } = resolveTraining(model, options, { stack: stack.name })
  return lawBranches(model, train, stack, describeDimensions(model))
}

/** The sizes of a setting by symbol; what the law does not name otherwise is as it was. */
function sizesOf(model: ModelSpec, law: LawBranches, o: TrainingOptions): Record<string, number> {
  const [b, t, r] = [o.batch_size!, o.seq_len!, o.rank ?? 0]
  const up = (n: number) => Math.ceil(n / 32) * 32
  return { ...law.dimensions, ...describeDimensions(model), b, t, s: t, r, t32: up(t), s32: up(t) }
}

/** The largest of the printed branches, and which one it is. */
function largest(expressions: readonly string[], sizes: Record<string, number>): { bytes: number; which: number } {
  const values = expressions.map((e) => Number(evaluate(e, { ...sizes })))
  const bytes = Math.max(...values)
  return { bytes, which: values.indexOf(bytes) }
}

const adapted = (o: TrainingOptions, rank: number): TrainingOptions => (o.method === 'full' ? {} : { rank })

/** Beside experts adapters sit on the attention's linears. */
const targetsFor = (family: string, { target_modules }: TrainingOptions): TrainingOptions =>
  family === 'qwen3_moe' && target_modules ? { target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] } : {}

const model = (family: string, w: Widths): ModelSpec => specFromConfig(MODELS[family]!(w), { name: family })

const FIRST: Widths = { heads: 3, width: 24, inner: 200, vocab: 700, layers: 5 }

for (const family of Object.keys(MODELS)) {
  for (const setting of SETTINGS) {
    if (family === 't5' && setting.gradient_checkpointing) continue
    const attention = family === 't5' ? 'eager' : setting.dtype === 'bfloat16' ? 'sdpa' : 'eager'
    const options: TrainingOptions = { dtype: 'float32', ...setting, ...targetsFor(family, setting), attention }

    test(`${family} ${options.method}: the printed law is the simulated peak, at every size, on both sides of a switch`, () => {
      const law = lawOf(model(family, FIRST), { ...options, ...adapted(options, 4), batch_size: 2, seq_len: 30 })
      const expressions = law.branches.map((b) => b.expression)
      const reached = new Set<number>()
      fc.assert(
        fc.property(widths, batch, (w, { rank, ...b }) => {
          const spec = model(family, w)
          const asked = { ...options, ...adapted(options, rank), ...b }
          const { train } = resolveTraining(spec, asked, { stack: stack.name })
          const { bytes, which } = largest(expressions, sizesOf(spec, law, { ...asked, rank }))
          reached.add(which)
          assert.is(bytes, predict(spec, train, stack).peak.bytes)
        }),
        { numRuns: 25, seed: 11 },
      )
      assert.ok(reached.size >= 2, 'no switch was crossed')
    })
  }
}

test('what is alive at the peak adds up to it, term by term', () => {
  for (const family of Object.keys(MODELS)) {
    const spec = model(family, FIRST)
    const { train } = resolveTraining(
      spec,
      { method: 'lora', dtype: 'float32', attention: 'eager', ...targetsFor(family, SETTINGS[1]!) },
      { stack: stack.name },
    )
    const { bytes, alive } = predict(spec, train, stack).peak
    assert.is(
      alive.reduce((n, a) => n + a.bytes, 0),
      bytes,
      family,
    )
  }
})

test('a law with one coefficient off is told apart', () => {
  const spec = model('llama', FIRST)
  const asked = { ...SETTINGS[0], dtype: 'float32', attention: 'eager', batch_size: 2, seq_len: 30 } as const
  const law = lawOf(spec, asked)
  const wrong = law.branches.map((b) => b.expression.replace(/\d+/, (n) => String(Number(n) + 1)))
  const { train } = resolveTraining(spec, asked, { stack: stack.name })
  const peak = predict(spec, train, stack).peak.bytes
  const sizes = sizesOf(spec, law, asked)
  assert.is(
    largest(
      law.branches.map((b) => b.expression),
      sizes,
    ).bytes,
    peak,
  )
  assert.is.not(largest(wrong, sizes).bytes, peak)
})

test('each branch says where it reigns, and reigns there', () => {
  const spec = model('llama', FIRST)
  const asked = { ...SETTINGS[0], dtype: 'float32', attention: 'eager', batch_size: 2, seq_len: 30 } as const
  const law = lawOf(spec, asked)
  const reigning = law.branches.filter((b) => b.domain !== null)
  assert.ok(reigning.length >= 2)
  const [, from] = /t ≥ (\d+)/.exec(reigning.map((b) => b.domain).join(' ')) ?? []
  for (const t of [Number(from) - 1, Number(from)]) {
    const sizes = { ...sizesOf(spec, law, asked), t }
    const { which } = largest(
      law.branches.map((b) => b.expression),
      sizes,
    )
    const told = law.branches.findIndex((b) => b.domain?.includes(t === Number(from) ? `t ≥ ${from}` : `< ${from}`))
    assert.is(which, told)
  }
})

test.run()

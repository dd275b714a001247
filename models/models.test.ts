import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  catalogEntry,
  knownRepository,
  listModels,
  ModelError,
  parseModelText,
  specFromCatalog,
  specFromConfig,
} from './index.ts'

const SMALL = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 100,
}

function issuesOf(config: unknown): readonly { code: string; where: string; message: string }[] {
  try {
    specFromConfig(config, { name: 'test' })
    return []
  } catch (e) {
    if (e instanceof ModelError) return e.issues
    throw e
  }
}

async function textIssues(text: string, filename = 'config.json'): Promise<readonly { code: string }[]> {
  try {
    await parseModelText(text, { name: 'test', filename })
    return []
  } catch (e) {
    if (e instanceof ModelError) return e.issues
    throw e
  }
}

test('a field says where its value comes from', () => {
  const spec = specFromConfig(SMALL, { name: 'test' })
  assert.is(spec.provenance.hidden?.source, 'config')
  assert.is(spec.provenance.kvHeads?.source, 'default')
  assert.is(specFromCatalog('llama-2-7b').provenance.hidden?.source, 'catalog')
})

test('T5 v1.1 is told from v1.0 in what any version of transformers writes of it', () => {
  const t5 = {
    architectures: ['T5ForConditionalGeneration'],
    model_type: 't5',
    d_model: 32,
    num_layers: 2,
    num_heads: 4,
  }
  const read = (more: object) => {
    const spec = specFromConfig({ ...t5, ...more }, { name: 'test' })
    return spec.family === 't5' && [spec.tied, spec.scaled]
  }
  assert.equal(read({}), [true, true])
  assert.equal(read({ tie_word_embeddings: false }), [false, false])
  assert.equal(read({ tie_word_embeddings: true, scale_decoder_outputs: false }), [true, false])
})

test('a repository is known as published, as a mirror, by its earlier name, or tuned further: nothing else is', () => {
  assert.equal(knownRepository('meta-llama/Llama-3.2-1B'), { name: 'llama-3.2-1b' })
  assert.equal(knownRepository('NousResearch/Meta-Llama-3-8B'), {
    name: 'llama-3-8b',
    because: 'a mirror of meta-llama/Meta-Llama-3-8B',
  })
  assert.equal(knownRepository('meta-llama/Meta-Llama-3.1-8B-Instruct'), {
    name: 'llama-3.1-8b',
    because: 'by its earlier name, tuned further, with the shapes of its base',
  })
  const tuned = { because: 'tuned further, with the shapes of its base' }
  assert.equal(knownRepository('google/gemma-3-1b-it'), { name: 'gemma-3-1b', ...tuned })
  assert.equal(knownRepository('Qwen/Qwen3-4B-Instruct-2507'), { name: 'qwen3-4b', ...tuned })
  assert.is(knownRepository('google/gemma-3-1b'), undefined)
  for (const other of ['somebody/Llama-3.2-1B', 'meta-llama/Llama-3.2-1B-Vision', 'meta-llama/', 'llama-3.2-1b', '/'])
    assert.is(knownRepository(other), undefined)
  for (const name of listModels()) assert.equal(knownRepository(catalogEntry(name)!.repository), { name })
})

test('every catalog entry reads, whole and cut to its first layer', () => {
  for (const name of listModels()) {
    assert.is(specFromCatalog(name).name, name)
    const cut = specFromCatalog(name, { layers: 1 })
    assert.is('layers' in cut ? cut.layers : 1, 1)
  }
})

test('everything that is wrong is told at once', () => {
  const issues = issuesOf({ ...SMALL, num_attention_heads: 0, num_hidden_layers: 1e9, vocab_size: -1 })
  assert.is(issues.length, 3)
})

test('heads that do not divide the width, keys that do not divide the heads, unknown families', () => {
  assert.ok(issuesOf({ ...SMALL, num_attention_heads: 5 }).length > 0)
  assert.ok(issuesOf({ ...SMALL, num_key_value_heads: 3 }).length > 0)
  assert.is(
    issuesOf({ ...SMALL, model_type: 'lama', architectures: ['LamaForCausalLM'] })[0]?.code,
    'unknown-architecture',
  )
})

test('kinds of layers: by list, by pattern, in the shortest stretch that repeats', () => {
  const gemma = { ...SMALL, architectures: ['Gemma3ForCausalLM'], model_type: 'gemma3_text', num_hidden_layers: 8 }
  const kindsOf = (config: unknown) => {
    const spec = specFromConfig(config, { name: 'test' })
    assert.ok('kinds' in spec && spec.family !== 'qwen3_moe')
    return spec.kinds.map((k) => (k.sliding ? 's' : 'f')).join('')
  }
  assert.is(kindsOf(gemma), 'sssssf')
  assert.is(kindsOf({ ...gemma, sliding_window_pattern: 3 }), 'ssf')
  const list = ['sliding_attention', 'full_attention', 'full_attention']
  const types = Array.from({ length: 8 }, (_, i) => list[i % 3])
  assert.is(kindsOf({ ...gemma, layer_types: types }), 'sff')
  assert.is(issuesOf({ ...gemma, layer_types: list })[0]?.code, 'conflict')
  assert.is(issuesOf({ ...gemma, layer_types: [...types.slice(1), 'chunked_attention'] })[0]?.code, 'unsupported')
  assert.ok(issuesOf({ ...gemma, sliding_window_pattern: 0 }).length > 0)
})

test('Gemma 3 has a base of angles for each kind of layer, in either spelling', () => {
  const gemma = { ...SMALL, architectures: ['Gemma3ForCausalLM'], model_type: 'gemma3_text' }
  const bases = (more: object) => {
    const spec = specFromConfig({ ...gemma, ...more }, { name: 'test' })
    assert.ok(spec.family === 'gemma2')
    return [spec.ropeTheta, spec.slidingTheta]
  }
  assert.equal(bases({}), [1e6, 1e4])
  assert.equal(bases({ rope_theta: 2e6, rope_local_base_freq: 3e4 }), [2e6, 3e4])
  const each = { full_attention: { rope_theta: 4e6 }, sliding_attention: { rope_theta: 5e4 } }
  assert.equal(bases({ rope_parameters: each }), [4e6, 5e4])
})

test('an unknown mixture of experts is refused with the reason, and no other name is suggested', () => {
  const [issue] = issuesOf({ ...SMALL, architectures: ['OlmoeForCausalLM'], model_type: 'olmoe' })
  assert.is(issue?.code, 'unsupported')
  assert.match(issue?.message ?? '', /"olmoe" routes its tokens to experts in a way of its own/)
})

test('experts: their numbers by either key, in some layers or all, and no loss of their own', () => {
  const qwen = { ...SMALL, architectures: ['Qwen3MoeForCausalLM'], model_type: 'qwen3_moe', num_hidden_layers: 6 }
  const read = (more: object) => {
    const spec = specFromConfig({ ...qwen, ...more }, { name: 'test' })
    assert.ok(spec.family === 'qwen3_moe')
    return spec
  }
  const kindsOf = (more: object) =>
    read(more)
      .kinds.map((k) => k[0])
      .join('')
  assert.is(kindsOf({}), 'e')
  assert.is(kindsOf({ decoder_sparse_step: 2 }), 'me')
  assert.is(kindsOf({ mlp_only_layers: [0] }), 'meeeee')
  assert.equal(
    [read({}).experts, read({ num_experts: 16 }).experts, read({ num_local_experts: 12 }).experts],
    [128, 16, 12],
  )
  const said = (more: object): string => issuesOf({ ...qwen, ...more })[0]?.message ?? ''
  assert.match(said({ num_experts: 4 }), /is 8, of 4 experts/)
  assert.match(said({ output_router_logits: true }), /router's own loss/)
  assert.match(said({ experts_implementation: 'eager' }), /one after the other/)
  assert.match(said({ mlp_only_layers: 3 }), /no list/)
  assert.is(issuesOf({ ...qwen, experts_implementation: 'grouped_mm' }).length, 0)
  const mixtral = { ...SMALL, architectures: ['MixtralForCausalLM'], model_type: 'mixtral', num_key_value_heads: 2 }
  assert.match(issuesOf({ ...mixtral, router_jitter_noise: 0.1 })[0]?.message ?? '', /by chance/)
})

test('a key has its second name; what would be another program is refused', () => {
  const bart = { model_type: 'bart', architectures: ['BartModel'], decoder_layers: 2, decoder_attention_heads: 4 }
  const aliased = { ...bart, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4 }
  const spec = specFromConfig(aliased, { name: 'test' })
  assert.is(spec.architecture, 'BartForConditionalGeneration')
  assert.is(spec.provenance.hidden?.key, 'hidden_size')
  assert.match(issuesOf({ ...aliased, encoder_layerdrop: 0.1 })[0]?.message ?? '', /by chance/)
  assert.is(issuesOf({ ...aliased, tie_word_embeddings: false }).length, 1)
  assert.is(issuesOf({ ...aliased, decoder_attention_heads: 3 })[0]?.code, 'indivisible')
  const distilbert = { model_type: 'distilbert', hidden_size: 64, n_layers: 2, n_heads: 4 }
  assert.equal(issuesOf(distilbert), [])
  assert.is(issuesOf({ ...distilbert, problem_type: 'regression' })[0]?.code, 'unsupported')
})

test('hostile files: too large, prototype keys, alias bombs, deep nesting', async () => {
  assert.ok((await textIssues(`{"model_type":"llama","x":"${'a'.repeat(9 * 2 ** 20)}"}`)).length > 0)
  assert.ok((await textIssues('{"model_type":"llama","__proto__":{"hidden_size":4}}')).length > 0)
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 10; i++) {
    const [here, before] = ['abcdefghij'[i], 'abcdefghij'[i - 1]]
    bomb.push(`${here}: &${here} [${Array(9).fill(`*${before}`).join(',')}]`)
  }
  assert.ok((await textIssues(bomb.join('\n'), 'model.yaml')).length > 0)
  assert.ok((await textIssues(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)).length > 0)
  assert.is(Object.hasOwn(Object.prototype, 'hidden_size'), false)
})

test('whatever JSON comes, a model or a ModelError comes out', () => {
  const keys = [
    'model_type',
    'architectures',
    'hidden_size',
    'num_attention_heads',
    'vocab_size',
    'rope_parameters',
    'id2label',
  ]
  const entry = fc.tuple(fc.constantFrom(...keys), fc.jsonValue())
  fc.assert(
    fc.property(fc.array(entry), fc.boolean(), (entries, known) => {
      const config = { ...Object.fromEntries(entries), ...(known ? { model_type: 'llama' } : {}) }
      assert.ok(Array.isArray(issuesOf(config)))
    }),
    { numRuns: 300, seed: 1 },
  )
})

test.run()

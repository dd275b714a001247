import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { objectSource } from '../../../models/source.ts'
import { FLAGS, type FlagKey, flagFor, HARDWARE_FLAGS, SETTING_FLAGS } from '../../flags.ts'
import type { FileContents } from '../contents.ts'
import { readSettingsFile } from '../file.ts'
import { mergeFiles } from '../files.ts'
import { keysOf } from './format.ts'
import { FORMATS, recognise } from './index.ts'
import { readFormat } from './read.ts'
import type { Keys } from './rule.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../fixtures/configs/${name}`, import.meta.url))
const options = { allowed: ['method', ...SETTING_FLAGS, ...HARDWARE_FLAGS] as FlagKey[], command: 'estimate', skip: [] }
const read = (name: string, more = {}): Promise<FileContents> =>
  readSettingsFile(fixture(name), { ...options, ...more })

/** What each file says in the names of the flags, and the model it names. */
const SAYS: readonly [
  file: string,
  format: string,
  model: string | undefined,
  values: Readonly<Record<string, unknown>>,
][] = [
  [
    'axolotl-lora.yaml',
    'axolotl',
    'NousResearch/Llama-3.2-1B',
    {
      method: 'lora',
      rank: 16,
      lora_alpha: 32,
      lora_dropout: 0.05,
      target_modules: ['all-linear'],
      seq_len: 2048,
      batch_size: 2,
      gradient_accumulation: 2,
      packing: false,
      optimizer: 'adamw',
      optimizer_impl: 'fused',
      dtype: 'bfloat16',
      autocast: 'bfloat16',
      attention: 'flash_attention_2',
      gradient_checkpointing: 'reentrant',
    },
  ],
  [
    'trl-sft.yaml',
    'trl',
    'Qwen/Qwen2.5-0.5B',
    {
      method: 'lora',
      rank: 32,
      lora_alpha: 32,
      lora_dropout: 0.05,
      target_modules: ['all-linear'],
      dtype: 'bfloat16',
      autocast: 'bfloat16',
      packing: false,
      batch_size: 2,
      gradient_accumulation: 8,
      gradient_checkpointing: 'reentrant',
      seq_len: 512,
    },
  ],
  [
    'llama-factory-lora.yaml',
    'llama-factory',
    'Qwen/Qwen3-0.6B',
    {
      method: 'lora',
      rank: 8,
      lora_alpha: 16,
      target_modules: ['all-linear'],
      seq_len: 1024,
      batch_size: 1,
      gradient_accumulation: 8,
      dtype: 'bfloat16',
      autocast: 'bfloat16',
      adapter_dtype: 'float32',
      gradient_checkpointing: 'reentrant',
    },
  ],
  [
    'torchtune-lora.yaml',
    'torchtune',
    'llama-3.2-1b',
    {
      method: 'lora',
      rank: 64,
      lora_alpha: 128,
      lora_dropout: 0,
      target_modules: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
      adapter_dtype: 'base',
      seq_len: 2048,
      batch_size: 4,
      gradient_accumulation: 8,
      dtype: 'bfloat16',
      optimizer: 'adamw',
      optimizer_impl: 'fused',
      gradient_checkpointing: 'none',
    },
  ],
  [
    'deepspeed-zero2.json',
    'deepspeed',
    undefined,
    {
      batch_size: 4,
      zero: 2,
      zero_options: ['reduce_bucket_size=500000000', 'contiguous_gradients=true', 'overlap_comm=true'],
    },
  ],
  ['accelerate-one.yaml', 'accelerate', undefined, { autocast: 'bfloat16' }],
  [
    'adapter_config.json',
    'peft',
    'meta-llama/Llama-3.2-1B',
    {
      method: 'lora',
      rank: 32,
      lora_alpha: 64,
      lora_dropout: 0,
      target_modules: ['v_proj', 'q_proj'],
      use_dora: false,
      use_rslora: true,
      task: 'causal-lm',
    },
  ],
  [
    'training_args.json',
    'transformers',
    undefined,
    {
      batch_size: 2,
      gradient_accumulation: 4,
      optimizer: 'adamw',
      optimizer_impl: 'foreach',
      autocast: 'bfloat16',
      gradient_checkpointing: 'non-reentrant',
    },
  ],
]

for (const [file, format, model, values] of SAYS) {
  test(`${file} is recognised and read`, async () => {
    const contents = await read(file)
    const problems = contents.problems.filter(({ unless }) => unless !== 'fused_loss')
    assert.equal(problems, [])
    assert.is(contents.report.format, format)
    assert.is(contents.model?.name, model)
    assert.equal(sorted(contents.values), sorted(values))
  })
}

const sorted = (o: Readonly<Record<string, unknown>>) => Object.fromEntries(Object.entries(o).sort())

/** What each tool says of selective checkpoints, and what it is here. */
const SELECTIVE: readonly [format: string, file: Readonly<Record<string, unknown>>, ...said: unknown[]][] = [
  [
    'transformers',
    { gradient_checkpointing: true, gradient_checkpointing_kwargs: { every_n_layers: 3 } },
    'non-reentrant',
    3,
    undefined,
  ],
  [
    'transformers',
    { gradient_checkpointing: false, gradient_checkpointing_kwargs: { every_n_layers: 3 } },
    'none',
    undefined,
    undefined,
  ],
  ['trl', { gradient_checkpointing_kwargs: { every_n_layers: 2, selective: true } }, 'non-reentrant', 2, 'attention'],
  [
    'axolotl',
    { gradient_checkpointing: true, selective_checkpointing: { save_sliding_window: true } },
    'non-reentrant',
    undefined,
    'attention',
  ],
  [
    'axolotl',
    {
      gradient_checkpointing: true,
      selective_checkpointing: { save: ['aten::mm', 'attention', 'aten::bmm', 'aten::addmm'] },
    },
    'non-reentrant',
    undefined,
    'products',
  ],
  [
    'torchtune',
    { enable_activation_checkpointing: false, ac_mode: 'selective', ac_option: 2 },
    'non-reentrant',
    2,
    undefined,
  ],
  [
    'torchtune',
    { enable_activation_checkpointing: false, ac_mode: 'selective', ac_option: 0 },
    'non-reentrant',
    undefined,
    undefined,
  ],
  [
    'torchtune',
    { enable_activation_checkpointing: true, ac_mode: 'selective', ac_option: 2 },
    'non-reentrant',
    undefined,
    undefined,
  ],
]

test("each tool's selective checkpoints", () => {
  for (const [name, file, ...said] of SELECTIVE) {
    const format = FORMATS.find((f) => f.name === name)!
    const recipe = name === 'torchtune' ? { optimizer: {}, dataset: {} } : {}
    const { values, problems } = readFormat(format, objectSource('file', { ...recipe, ...file }), options)
    assert.equal(problems, [])
    assert.equal(
      [values.gradient_checkpointing, values.checkpoint_every, values.checkpoint_keep],
      said,
      JSON.stringify(file),
    )
  }
  const axolotl = FORMATS.find((f) => f.name === 'axolotl')!
  const other = { gradient_checkpointing: true, selective_checkpointing: { save: ['aten::mm'], offload: true } }
  assert.is(readFormat(axolotl, objectSource('file', other), options).problems.length, 2)
})

test("torchtune's 8-bit AdamW goes over parameters as bitsandbytes does, and Gemma 2's builders are known", () => {
  const torchtune = FORMATS.find((f) => f.name === 'torchtune')!
  const file = { model: { _component_: 'torchtune.models.gemma2.lora_gemma2_2b' }, dataset: {} }
  const read = (name: string) =>
    readFormat(torchtune, objectSource('file', { ...file, optimizer: { _component_: name } }), options)
  assert.is(read('bitsandbytes.optim.PagedAdamW8bit').values.optimizer_impl, undefined)
  assert.is(read('torch.optim.AdamW').values.optimizer_impl, 'foreach')
  assert.is(read('torch.optim.AdamW').model?.name, 'gemma-2-2b')
})

test('every key is read, ignored with its reason, or wrong: none is passed over', async () => {
  for (const [file] of SAYS) {
    const { report } = await read(file)
    const told = new Set([...report.read, ...report.ignored.map(({ key }) => key)].map((key) => key.split('.')[0]))
    for (const key of topKeys(file)) assert.ok(told.has(key), `${file}: ${key}`)
    assert.is(report.ignored.filter(({ reason }) => reason.trim() === '').length, 0)
  }
})

const topKeys = (file: string): string[] =>
  [...readFileSync(fixture(file), 'utf8').matchAll(file.endsWith('.json') ? /^ {2}"(\w+)":/gm : /^(\w+):/gm)].map(
    (m) => m[1]!,
  )

test('what is not modelled and what is unknown come together, each at its place', async () => {
  const { problems } = await read('axolotl-refused.yaml')
  const told = problems.map(({ where }) => where.split(' ').at(-1))
  assert.equal(told, ['optimizer', 'liger_rms_norm', 'neftune_noise_alpha', 'lora_targt_modules'])
  assert.match(problems.at(-1)!.next, /Did you mean lora_target_modules/)
  assert.match(problems[0]!.where, /axolotl-refused\.yaml:8:1 optimizer$/)
})

test('a flag settles what a file says and is not modelled; --config-skip leaves a key out', async () => {
  const skip = ['liger_rms_norm', 'neftune_noise_alpha', 'lora_targt_modules', 'deepspeed']
  const file = await read('axolotl-refused.yaml', { skip })
  assert.is(mergeFiles([file], {}).problems.length, 1)
  assert.equal(mergeFiles([file], { optimizer: 'adamw' }).problems, [])
  assert.equal(
    file.report.ignored.filter(({ reason }) => reason === 'left out by --config-skip').map(({ key }) => key),
    skip,
  )
})

test('a file that another names has to be given with it', async () => {
  const skip = ['liger_rms_norm', 'neftune_noise_alpha', 'lora_targt_modules', 'optimizer']
  const axolotl = await read('axolotl-refused.yaml', { skip })
  assert.match(mergeFiles([axolotl], {}).problems[0]!.message, /names configs\/zero2\.json, a deepspeed file/)
  assert.equal(
    mergeFiles([axolotl, await read('deepspeed-zero2.json', { skip: ['train_micro_batch_size_per_gpu'] })], {})
      .problems,
    [],
  )
})

test('two files that say different things contradict each other, unless a flag decides', async () => {
  const files = [await read('training_args.json'), await read('deepspeed-zero0.json')]
  const { problems } = mergeFiles(files, { zero: 2 })
  assert.equal(
    problems.map(({ unless }) => unless),
    ['batch_size', 'gradient_accumulation'],
  )
  const merged = mergeFiles(files, { zero: 2, batch_size: 1, gradient_accumulation: 1 })
  assert.equal(merged.problems, [])
  assert.match(
    merged.warnings[0]!,
    /--batch-size 1 wins over .*training_args\.json:3:3 per_device_train_batch_size \(2\)/,
  )
})

test("a tool's own default gives way to another file and to a flag, and is told otherwise", async () => {
  const trl = await read('trl-sft.yaml', { skip: ['per_device_train_batch_size', 'gradient_accumulation_steps'] })
  assert.is(mergeFiles([trl], {}).values.batch_size, 8)
  assert.ok(mergeFiles([trl], {}).assumptions.some((a) => a.what === 'batch-size' && a.value === '8'))
  const both = mergeFiles([trl, await read('deepspeed-zero2.json')], {})
  assert.is(both.values.batch_size, 4)
  assert.not(both.assumptions.some((a) => a.what === 'batch-size'))
  assert.not(mergeFiles([trl], { batch_size: 1 }).assumptions.some((a) => a.what === 'batch-size'))
})

test('--config-format names exactly the formats that there are', () => {
  assert.equal([...FLAGS.config_format.choices!].sort(), ['tidemark', ...FORMATS.map((f) => f.name)].sort())
})

test('docs/configs.md counts the keys of each table', () => {
  const page = readFileSync(fixture('../../docs/configs.md'), 'utf8')
  const count = (keys: Keys): number =>
    Object.values(keys).reduce((n, key) => n + (typeof key === 'function' ? 1 : count(key)), 0)
  for (const format of FORMATS) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${format.name}\` |`))
    assert.is(Number(row?.split('|')[3]), count(keysOf(format)), format.name)
  }
})

test('marks are keys of their format, and no flag of tidemark is taken for a mark', () => {
  for (const format of FORMATS) {
    for (const key of format.marks.flat()) {
      const known = key.split('.').reduce<unknown>((keys, k) => (keys as Record<string, unknown>)?.[k], keysOf(format))
      assert.ok(
        known !== undefined || format.reject !== undefined || key.startsWith('checkpointer.'),
        `${format.name}: ${key}`,
      )
    }
  }
  const own = Object.fromEntries(Object.keys(FLAGS).map((key) => [key, 1]))
  assert.is(recognise(own)?.format.name, undefined)
})

const anything = fc.oneof(
  fc.boolean(),
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.constantFrom('auto', 'no', '1e-4', 'all', '__proto__'),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.boolean(), { maxKeys: 3 }),
)

/** A file with some of the keys, nested as the table is, and anything at all as their values. */
function files(keys: Keys): fc.Arbitrary<Record<string, unknown>> {
  const values = Object.entries(keys).map(([key, rule]): [string, fc.Arbitrary<unknown>] => [
    key,
    typeof rule === 'function' ? anything : fc.oneof(anything, files(rule)),
  ])
  return fc
    .subarray(values, { maxLength: Math.min(8, values.length) })
    .chain((some) => fc.record(Object.fromEntries(some)))
}

test('whatever stands at a key, no reader throws, and what it sets passes the schema of the flag', () => {
  for (const format of FORMATS) {
    fc.assert(
      fc.property(files(keysOf(format)), (file) => {
        const { values } = readFormat(format, objectSource('file', file), options)
        return Object.entries(values).every(([key, value]) => flagFor(key as FlagKey).schema.safeParse(value).success)
      }),
      { numRuns: 400 },
    )
  }
})

test.run()

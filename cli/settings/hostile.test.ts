import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inFolder, tidemark } from '../testing/binary.ts'
import { measured } from '../testing/measured.ts'

const MIB = 2 ** 20
const many = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n')

const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 9 }, (_, i) => aliases(i))].join('\n')
function aliases(i: number): string {
  const before = i === 0 ? '*a' : `*b${i - 1}`
  return `b${i}: &b${i} [${Array(9).fill(before).join(', ')}]`
}

/** Files that want to take time, memory or control, and what each is told. */
const HOSTILE: readonly [what: string, name: string, text: string, told: RegExp][] = [
  ['an alias bomb', 'bomb.yaml', bomb, /aliases stand for too many values/],
  ['an alias of itself', 'self.yaml', 'base_model: &a [*a]', /nested more than 64 levels/],
  [
    'as many keys as fit',
    'keys.yaml',
    `base_model: x\n${many(6_200, (i) => `k${i}: 1`)}`,
    / k0: is not a key of Axolotl/,
  ],
  ['the same key 13 000 times', 'same.yaml', many(13_000, () => 'r: 1'), /same\.yaml:2:1: .*each key once/],
  ['a long flow list', 'flow.yaml', `base_model: [${'1,'.repeat(32_000)}1]`, /base_model: is a list; expected text/],
  ['deep flow nesting', 'deep.yaml', `base_model: ${'['.repeat(32_000)}`, /nested more than 64 levels/],
  ['deep block nesting', 'steps.yaml', many(340, (i) => `${' '.repeat(i)}a:`), /nested more than 64 levels/],
  ['deep JSON', 'deep.json', '{"peft_type":'.repeat(60_000), /nested more than 64 levels/],
  [
    'a MiB of JSON keys',
    'keys.json',
    `{"peft_type":"LORA",${many(50_000, (i) => `"k${i}":${i}`).replaceAll('\n', ',')}}`,
    / k0: is not a key of PEFT/,
  ],
  ['a long string', 'string.json', `{"peft_type":"${'x'.repeat(MIB - 100)}"}`, /peft_type: is "x{60}…"/],
  ['prototype keys', 'proto.json', '{"peft_type":"LORA","__proto__":{"r":4}}', /__proto__ is refused/],
  ['a constructor', 'proto.yaml', 'base_model: x\nconstructor: {prototype: {r: 4}}', /constructor is refused/],
  ['NUL', 'nul.yaml', 'base_model: "a\u0000b"\nmicro_batch_size: 1\u0000', /nul\.yaml:\d+:\d+/],
  ['a tag that makes objects', 'tag.yaml', 'base_model: !!python/object/apply:os.system ["true"]', /tag\.yaml:1:13/],
  [
    'wrong types',
    'types.yaml',
    'base_model: [1]\nmicro_batch_size: {a: 1}\nsequence_len: many\nlora_r: 1e400\nbf16: maybe',
    /base_model: is a list[\s\S]*micro_batch_size: is an object[\s\S]*sequence_len: is "many"[\s\S]*lora_r: is Infinity[\s\S]*bf16: is "maybe"/,
  ],
  ['nothing', 'empty.yaml', '', /empty\.yaml:1:1: is null; expected flags/],
  ['a list', 'list.yaml', '- base_model', /is a list; expected flags/],
]

for (const [what, name, text, told] of HOSTILE) {
  test(`${what}: exit 2 with place and expectation, in a second of computing and 300 MB`, async () => {
    await inFolder(async (folder) => {
      const file = join(folder, name)
      writeFileSync(file, text)
      const { status, stderr, stdout, seconds, bytes } = await measured(['estimate', '--config', file])
      assert.is(status, 2, stderr)
      assert.is(stdout, '')
      assert.match(stderr, told)
      assert.not.match(stderr, /\n {4}at /)
      assert.ok(stderr.length < 20_000, `${stderr.length} characters of errors`)
      assert.ok(seconds < 1, `${seconds} s`)
      assert.ok(bytes < 300e6, `${bytes} bytes`)
    })
  })
}

test('a hundred megabytes are refused by their size, before they are read', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'large.yaml')
    writeFileSync(file, 'base_model: x\n')
    truncateSync(file, 100 * MIB)
    const { status, stderr, seconds, bytes } = await measured(['estimate', '--config', file])
    assert.is(status, 2)
    assert.match(stderr, /has 104857600 bytes; expected at most 1048576/)
    assert.ok(seconds < 1 && bytes < 150e6)
  })
})

test('a safetensors header of a gigabyte, and GGUF counts beyond the file, as a model', async () => {
  await inFolder(async (folder) => {
    const config = {
      model_type: 'llama',
      hidden_size: 64,
      intermediate_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 4,
    }
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    const weights = Buffer.alloc(64)
    weights.writeBigUInt64LE(10n ** 9n)
    writeFileSync(join(folder, 'model.safetensors'), weights)
    truncateSync(join(folder, 'model.safetensors'), 2 * 10 ** 9)
    const gguf = Buffer.from('GGUF\u0003\0\0\0'.padEnd(64, '\u00ff'), 'latin1')
    writeFileSync(join(folder, 'm.gguf'), gguf)
    const told = [
      /model\.safetensors: announces a header of 1000000000 bytes; expected at most/,
      /m\.gguf byte 16: announces/,
    ]
    for (const [i, model] of [folder, join(folder, 'm.gguf')].entries()) {
      const { status, stderr, seconds, bytes } = await measured(['estimate', model])
      assert.is(status, 2)
      assert.match(stderr, told[i]!)
      assert.ok(seconds < 1 && bytes < 300e6, `${seconds} s, ${bytes} bytes`)
    }
  })
})

test('a byte order mark is no harm', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'bom.yaml')
    writeFileSync(file, '\uFEFFmethod: lora-fa\nseq_len: 32\n')
    const { status, stderr } = await tidemark(['estimate', 'smollm2-135m', '--config', file, '-q'])
    assert.is(status, 0, stderr)
  })
})

test('the measure can fail: a run that allocates is seen', async () => {
  const { bytes } = await measured(['--version'])
  assert.ok(bytes > 20e6 && bytes < 300e6, `${bytes}`)
})

test.run()

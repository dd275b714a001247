import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromConfig } from '../index.ts'
import { ModelError } from '../issue.ts'
import { type Gguf, readGguf } from './gguf.ts'
import { ggufConfig } from './gguf-config.ts'
import { headerLength, readSafetensorsHeader, readSafetensorsIndex } from './safetensors.ts'
import { weightsOf } from './weights.ts'

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../fixtures/checkpoints/${name}`, import.meta.url)))
const recorded: { size: number; header: string; config: object; parameters: number } = JSON.parse(
  fixture('llama.safetensors.json').toString(),
)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const length = (n: bigint): Uint8Array => {
  const start = new Uint8Array(8)
  new DataView(start.buffer).setBigUint64(0, n, true)
  return start
}

function told(work: () => unknown): string {
  try {
    work()
    return ''
  } catch (error) {
    if (error instanceof ModelError) return error.message
    throw error
  }
}

test('the header that transformers writes: count, bytes and types are those of the model', () => {
  const header = bytes(recorded.header)
  assert.is(headerLength(length(BigInt(header.length)), recorded.size, 'w'), header.length)
  const weights = weightsOf(readSafetensorsHeader(header, recorded.size, 'w'))
  assert.is(weights.parameters, recorded.parameters)
  assert.equal(weights.dtypes, { BF16: recorded.parameters })
  assert.is(weights.bytes, recorded.size - 8 - header.length)
})

test('a header of a gigabyte is refused before it is read', () => {
  assert.match(
    told(() => headerLength(length(10n ** 9n), 1000, 'w.safetensors')),
    /w\.safetensors: announces a header of 1000000000 bytes in a file of 1000; expected a header that the file holds/,
  )
  assert.match(
    told(() => headerLength(length(10n ** 9n), 2e9, 'w')),
    /at most 4194304/,
  )
  assert.match(
    told(() => headerLength(length(2n ** 64n - 1n), 2e9, 'w')),
    /announces/,
  )
  assert.match(
    told(() => headerLength(bytes('abc'), 3, 'w')),
    /has 3 bytes/,
  )
})

test('wrong headers tell tensor and field, several together', () => {
  const header = {
    a: { dtype: 'F99', shape: [1], data_offsets: [0, 4] },
    b: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] },
    c: { dtype: 'F32', shape: [2], data_offsets: [0, 4] },
    d: { dtype: 'F32', shape: [1], data_offsets: [1000, 1004] },
    e: 3,
  }
  const text = told(() => readSafetensorsHeader(bytes(JSON.stringify(header)), 400, 'w'))
  assert.match(text, /w:1:\d+ a\.dtype: is "F99"/)
  assert.match(text, /b\.shape: is a list; expected a list of whole numbers/)
  assert.match(text, /c\.data_offsets: spans 4 bytes; expected 8, which the shape takes/)
  assert.match(text, /d\.data_offsets: ends at 1004/)
  assert.match(text, /e: is 3/)
  assert.match(
    told(() => readSafetensorsHeader(bytes('[1]'), 100, 'w')),
    /is a list; expected an object/,
  )
})

test('an index names files beside it, and nothing else', () => {
  const index = (files: Record<string, unknown>) => JSON.stringify({ metadata: {}, weight_map: files })
  assert.equal(readSafetensorsIndex(index({ a: 'm-2.safetensors', b: 'm-1.safetensors', c: 'm-1.safetensors' }), 'i'), [
    'm-1.safetensors',
    'm-2.safetensors',
  ])
  for (const file of ['../../etc/passwd', '/a.safetensors', 'a/b.safetensors', 3])
    assert.match(
      told(() => readSafetensorsIndex(index({ w: file }), 'i')),
      /weight_map\.w: is .*; expected a \.safetensors file beside/,
    )
})

test('GGUF metadata as gguf-py writes it stands for the same model as its config.json', () => {
  const file = readGguf(fixture('llama-q8.gguf'), 'q8')
  const { config, packed } = ggufConfig(file, 'q8')
  const spec = specFromConfig(config, { name: 'small' })
  const same = specFromConfig({ ...recorded.config, tie_word_embeddings: true, dtype: 'float32' }, { name: 'small' })
  const { provenance: _a, ...shapes } = spec
  const { provenance: _b, ...expected } = same
  assert.equal(shapes, expected)
  assert.ok(packed)
  const weights = weightsOf(file.tensors)
  assert.is(weights.parameters, recorded.parameters - 64 * 96)
  // a block of 32 takes 34 bytes; the five norms are float32
  assert.is(weights.bytes, ((weights.parameters - 5 * 64) / 32) * 34 + 5 * 64 * 4)
})

test('other architectures and experts are refused by name', () => {
  const keys = (entries: Record<string, string | number>): Gguf => ({
    keys: new Map(Object.entries(entries)),
    tensors: [],
  })
  assert.match(
    told(() => ggufConfig(keys({ 'general.architecture': 'mamba' }), 'g')),
    /general\.architecture: "mamba" is not read from GGUF; expected one of llama/,
  )
  assert.match(
    told(() => ggufConfig(keys({ 'general.architecture': 'llama', 'llama.expert_count': 8 }), 'g')),
    /llama\.expert_count: is 8/,
  )
})

test('whatever a byte is changed to or wherever the file ends, it is read or refused, and soon', () => {
  const whole = fixture('llama-q8.gguf')
  const started = performance.now()
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: whole.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      (at, byte, cut) => {
        const changed = cut ? whole.subarray(0, at) : Buffer.from(whole)
        if (!cut) changed[at] = byte
        told(() => ggufConfig(readGguf(changed, 'g'), 'g'))
      },
    ),
    { numRuns: 2000 },
  )
  assert.ok(performance.now() - started < 20_000)
})

test('counts beyond the file are refused before anything of that size is made', () => {
  const start = Buffer.from(fixture('llama-q8.gguf').subarray(0, 24))
  start.writeBigUInt64LE(2n ** 62n, 8)
  assert.match(
    told(() => readGguf(start, 'g')),
    /g byte 16: announces 4611686018427388000 tensors; expected at most 200000/,
  )
  start.writeBigUInt64LE(100_000n, 8)
  start.writeBigUInt64LE(10_000n, 16)
  assert.match(
    told(() => readGguf(start, 'g')),
    /ends after 24 bytes of metadata/,
  )
})

test.run()

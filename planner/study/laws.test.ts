import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadEngine } from '../execute/index.ts'
import type { Parameter } from '../ops/ops.ts'
import { matchCheckpoint } from './checkpoint.ts'
import { encodeCorpus } from './corpus.ts'
import { streamOf } from './random.ts'
import { type StudySetting, studySetting } from './setting.ts'
import { apart, FAMILIES, type FamilyName, LINES, logitsOf, modelOf, tensorsOf } from './study.test.cases.ts'
import { samplerOf } from './tasks.ts'
import { BYTES } from './tokenizer.ts'
import { type Trained, trainOn } from './trainer.ts'
import { startOf } from './values.ts'

const SIZES = { batch: 2, tokens: 8 }
const RANK = 2

/** Logits of a merged model: float32 rounding of one product more. */
const TOLERANCE = 1e-4

function prepared(name: FamilyName) {
  const model = modelOf(name)
  const options = { batch_size: SIZES.batch, seq_len: SIZES.tokens, ...(name === 't5' ? { target_seq_len: 8 } : {}) }
  const settingFor = (method: 'full' | 'lora' | 'lora-fa') =>
    studySetting(model, 'wasm', method, method === 'full' ? null : RANK, options)
  const plain = settingFor('full')
  const { weights } = matchCheckpoint(plain.network, tensorsOf(`${name}/model.safetensors`), name)
  const draw = samplerOf(model, encodeCorpus(LINES, BYTES), 'training', SIZES, BYTES)
  const batch = draw(streamOf('law', 0))
  const start = (p: Parameter) => startOf(p, weights, 0)
  return { plain, settingFor, batch, draw, start }
}

async function trained(
  name: FamilyName,
  method: 'lora' | 'lora-fa',
  steps = 6,
): Promise<{ setting: StudySetting; trained: Trained }> {
  const { settingFor, draw, start } = prepared(name)
  const setting = settingFor(method)
  const engine = await loadEngine('wasm')
  const how = { learningRate: 0.05, steps, every: steps, seed: 0, validation: [], test: [] }
  try {
    return { setting, trained: await trainOn({ engine, ...setting, draw, start, ...how }) }
  } finally {
    engine.close()
  }
}

for (const name of FAMILIES) {
  test(`${name}: with B at zero the logits are the base model's, bit for bit`, async () => {
    const { plain, settingFor, batch, start } = prepared(name)
    const base = await logitsOf(plain.still, start, batch)
    for (const method of ['lora', 'lora-fa'] as const)
      assert.equal(await logitsOf(settingFor(method).still, start, batch), base)
  })

  test(`${name}: merging gives the same logits`, async () => {
    const { plain, batch, start } = prepared(name)
    const { setting, trained: after } = await trained(name, 'lora-fa')
    const adapted = await logitsOf(setting.still, (p) => after.weights.get(p.path) ?? start(p), batch)
    const merged = await logitsOf(plain.still, (p) => mergedOf(p, setting, after) ?? start(p), batch)
    assert.ok(apart(adapted, merged) <= TOLERANCE, `${apart(adapted, merged)}`)
    assert.ok(
      apart(adapted, await logitsOf(plain.still, start, batch)) > 10 * TOLERANCE,
      'the adapter learned something',
    )
  })
}

/** `W + s·B·A`, or what trains whole in its place; undefined for what has no adapter. */
function mergedOf(p: Parameter, { train }: StudySetting, { weights }: Trained): Float32Array | undefined {
  const module = p.path.slice(0, p.path.lastIndexOf('.'))
  const whole = weights.get(p.path.replace(module, `${module}.modules_to_save.default`))
  const [base, a, b] = [weights.get(`${module}.base_layer.weight`), ...matrices(weights, module)]
  if (whole || !p.path.endsWith('.weight') || !base || !a || !b || !train.adapter) return whole
  const change = product(b, a, train.adapter.rank)
  return base.map((w, i) => w + (train.adapter!.alpha / train.adapter!.rank) * change[i]!)
}

const matrices = (weights: Trained['weights'], module: string) =>
  [weights.get(`${module}.lora_A.default.weight`), weights.get(`${module}.lora_B.default.weight`)] as const

/** `[out, r] × [r, in]` */
function product(b: Float32Array, a: Float32Array, rank: number): Float32Array {
  const [rows, width] = [b.length / rank, a.length / rank]
  const out = new Float32Array(rows * width)
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++)
      for (let j = 0; j < width; j++) out[i * width + j]! += b[i * rank + k]! * a[k * width + j]!
  return out
}

/** The share of a `[out, in]` matrix that lies outside the space of A's rows, by Gram and Schmidt. */
function outside(change: Float32Array, a: Float32Array, rank: number): number {
  const width = a.length / rank
  const basis: number[][] = []
  const without = (row: number[]): number[] =>
    basis.reduce((left, unit) => {
      const along = left.reduce((sum, x, j) => sum + x * unit[j]!, 0)
      return left.map((x, j) => x - along * unit[j]!)
    }, row)
  for (let k = 0; k < rank; k++) {
    const row = without([...a.subarray(k * width, (k + 1) * width)])
    basis.push(row.map((x) => x / Math.hypot(...row)))
  }
  let [left, all] = [0, 0]
  for (let at = 0; at < change.length; at += width) {
    const row = [...change.subarray(at, at + width)]
    all += row.reduce((sum, x) => sum + x * x, 0)
    left += without(row).reduce((sum, x) => sum + x * x, 0)
  }
  return Math.sqrt(left / all)
}

test("under LoRA-FA what the weights change by stays in the space of A's rows; under LoRA it does not", async () => {
  const { start } = prepared('llama')
  for (const method of ['lora-fa', 'lora'] as const) {
    const { setting, trained: after } = await trained('llama', method)
    for (const p of setting.network.parameters.filter((q) => q.path.includes('.lora_A.'))) {
      const module = p.path.replace('.lora_A.default.weight', '')
      const first = Float32Array.from(start(p))
      const [a, b] = matrices(after.weights, module)
      const share = outside(product(b!, a!, RANK), first, RANK)
      if (method === 'lora-fa') assert.ok(share < 1e-6, `${module}: ${share}`)
      else assert.ok(share > 1e-3, `${module}: ${share}`)
    }
  }
})

test('the same seed gives the same bits, another seed others', async () => {
  const [one, two] = [await trained('llama', 'lora-fa'), await trained('llama', 'lora-fa')]
  assert.equal(one.trained.curve, two.trained.curve)
  for (const [path, values] of one.trained.weights) assert.equal(values, two.trained.weights.get(path))
  const { settingFor, draw, start } = prepared('llama')
  const engine = await loadEngine('wasm')
  const how = { learningRate: 0.05, steps: 6, every: 6, seed: 1, validation: [], test: [] }
  const other = await trainOn({ engine, ...settingFor('lora-fa'), draw, start, ...how })
  engine.close()
  assert.not.equal(other.curve, one.trained.curve)
})

test.run()

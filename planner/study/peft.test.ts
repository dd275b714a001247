import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TrainingOptions } from '../training/options.ts'
import { adapterFiles, peftName } from './adapter-files.ts'
import { matchCheckpoint } from './checkpoint.ts'
import { studySetting } from './setting.ts'
import { apart, bytesOf, FAMILIES, type FamilyName, jsonOf, logitsOf, modelOf, tensorsOf } from './study.test.cases.ts'
import { plainPath, startOf } from './values.ts'

/** Recorded by fixtures/record/study.py: transformers' and PEFT's, over the checkpoints and adapters beside it. */
interface Recorded {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}
const recorded = jsonOf('logits.json') as Readonly<
  Record<FamilyName, { readonly base: Recorded | null; readonly adapter: Recorded; readonly merged: Recorded }>
> & { readonly input_ids: readonly (readonly number[])[] }

/** float32 rounding over two layers. */
const TOLERANCE = 1e-4

const METHODS = { llama: 'lora-fa', bert: 'lora-fa', t5: 'lora' } as const
const ids = Int32Array.from(recorded.input_ids.flat())
const [rows, tokens] = [recorded.input_ids.length, recorded.input_ids[0]!.length]

function prepared(name: FamilyName, rank: number | null) {
  const model = modelOf(name)
  const options: TrainingOptions = { batch_size: rows, seq_len: tokens }
  const lengths = name === 't5' ? { ...options, target_seq_len: tokens } : options
  const setting = studySetting(model, 'wasm', rank === null ? 'full' : METHODS[name], rank, lengths)
  const plain = studySetting(model, 'wasm', 'full', null, lengths)
  const { weights } = matchCheckpoint(plain.network, tensorsOf(`${name}/model.safetensors`), name)
  const batch = { input_ids: ids, labels: name === 'bert' ? new Int32Array(rows) : ids }
  return { model, setting, weights, batch }
}

/** The last position of each row, as it was recorded. */
function last(logits: Float32Array, shape: readonly number[]): number[] {
  const width = shape[1]!
  const row = logits.length / rows
  return Array.from({ length: rows }, (_, i) => [...logits.subarray((i + 1) * row - width, (i + 1) * row)]).flat()
}

for (const name of FAMILIES) {
  const { base, adapter, merged } = recorded[name]

  if (base)
    test(`${name}: a checkpoint in Hugging Face's naming gives transformers' logits`, async () => {
      const { setting, weights, batch } = prepared(name, null)
      const logits = await logitsOf(setting.still, (p) => startOf(p, weights, 0), batch)
      const off = apart(last(logits, base.shape), base.data)
      assert.ok(off <= TOLERANCE, `${off}`)
    })

  test(`${name}: PEFT loads the adapter trained here: the same logits, and merged too`, async () => {
    const { model, setting, weights, batch } = prepared(name, 4)
    const byName = new Map(tensorsOf(`${name}/adapter/adapter_model.safetensors`).map((t) => [t.name, t.values]))
    const trained = setting.network.parameters.filter(
      (p) => (byName.has(peftName(p.path)) && p.path !== plainPath(p.path)) || p.path.includes('.lora_'),
    )
    const values = new Map(trained.map((p) => [p.path, byName.get(peftName(p.path))!]))
    assert.is(values.size, byName.size, 'every tensor of the file has a parameter')
    const logits = await logitsOf(setting.still, (p) => values.get(p.path) ?? startOf(p, weights, 0), batch)
    assert.ok(apart(last(logits, adapter.shape), adapter.data) <= TOLERANCE)
    assert.ok(apart(merged.data, adapter.data) <= TOLERANCE)
    // the adapter does something, so that the equality says something
    if (base) assert.ok(apart(adapter.data, base.data) > 100 * TOLERANCE)
    // and what is written today is the file that PEFT was given
    const files = adapterFiles(model, setting, values)
    assert.equal(Buffer.from(files.tensors), Buffer.from(bytesOf(`${name}/adapter/adapter_model.safetensors`)))
    assert.equal(files.config, jsonOf(`${name}/adapter/adapter_config.json`))
  })
}

test('every tensor that is missing or has another shape is told of in one go', () => {
  const { network } = studySetting(modelOf('llama'), 'wasm', 'full', null, { batch_size: 1, seq_len: 8 })
  const tensors = tensorsOf('llama/model.safetensors')
  const broken = tensors.flatMap((t) => {
    if (t.name.endsWith('0.mlp.up_proj.weight')) return []
    return [t.name.endsWith('1.mlp.up_proj.weight') ? { ...t, shape: [16, 32] } : t]
  })
  try {
    matchCheckpoint(network, broken, 'x')
    assert.unreachable()
  } catch (error) {
    const all = (error as { all: { where: string; message: string }[] }).all.map((e) => `${e.where} ${e.message}`)
    assert.equal(all, [
      'x model.layers.0.mlp.up_proj.weight is missing',
      'x model.layers.1.mlp.up_proj.weight has the shape [16, 32], the model [32, 16]',
    ])
  }
})

test.run()

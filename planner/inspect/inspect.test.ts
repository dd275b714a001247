import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { torchCuda } from '../allocate/torch-cuda/index.ts'
import { predict, resolveStack, simulate } from '../predict/index.ts'
import type { InspectBody, InspectFinding, MeasuredSource } from '../result/inspect.ts'
import { importRun, readSnapshot, showFrame, writeSnapshot } from '../snapshot/index.ts'
import { type Recording, recorded } from '../snapshot/recorded.test.cases.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { inspectRun, onCuda } from './index.ts'

const STACK = resolveStack('transformers-5.23')
const MODEL = specFromCatalog('smollm2-135m', { layers: 3 })
const SETTING: TrainingOptions = { method: 'lora-fa', seq_len: 32, batch_size: 2, target_modules: ['q_proj', 'v_proj'] }
const train = (options: TrainingOptions, model = MODEL) => resolveTraining(model, options, { stack: STACK.name }).train
const SOURCE: MeasuredSource = { kind: 'torch-snapshot', path: 's', runtime: null, device: 0, devices: [0], events: 1 }

/** Steps as they would have been recorded on a GPU, held against a plan. */
function inspected(
  ran: TrainingOptions,
  planned: TrainingOptions,
  how: Recording = {},
  steps = 4,
  model = MODEL,
): InspectBody {
  const { events } = simulate(model, train(ran, model), STACK.dialect, { library: STACK.library, steps: 2 })
  const snapshot = readSnapshot(writeSnapshot(recorded(events, { steps, ...how })))
  const run = importRun(snapshot, 0)
  const plan = train(planned, model)
  return inspectRun(
    SOURCE,
    {
      events: run.events,
      phased: run.phased,
      framesOf: (id) => (run.frames.get(id) ?? []).map(showFrame),
      blockOf: (id, bytes) => run.blocks.get(id) ?? Math.ceil(bytes / 512) * 512,
      reserved: run.reserved,
      allocator: null,
    },
    onCuda(
      { train: plan, body: predict(model, plan, STACK), predict: (t) => predict(model, t, STACK) },
      torchCuda.block,
    ),
  )
}

const found = <K extends InspectFinding['kind']>(body: InspectBody, kind: K) =>
  body.findings.filter((f): f is Extract<InspectFinding, { kind: K }> => f.kind === kind)

test('a run as planned: live bytes to the byte, nothing found, workspaces known by their size', () => {
  for (const method of ['full', 'lora', 'lora-fa'] as const) {
    const body = inspected({ ...SETTING, method }, { ...SETTING, method })
    const [live, allocated, reserved] = body.tiers
    assert.is(live?.measured_bytes, live?.predicted_bytes, method)
    // a block that lives at the end is known to be larger than what was asked for where too little would have been left of it
    if (method !== 'full') assert.is(allocated?.measured_bytes, allocated?.predicted_bytes, method)
    assert.is(allocated?.verdict, 'within')
    assert.is(reserved?.verdict, 'unattributed')
    assert.ok(body.within)
    assert.equal(body.findings, [])
    assert.equal(
      body.workspaces.map((w) => w.count),
      [2],
    )
    assert.ok(body.blocks.every((b) => b.measured === b.predicted))
  }
})

test("what CUDA holds otherwise is no finding: layer_norm's statistics in float32, a fused AdamW's step counts", () => {
  const gpt2 = specFromCatalog('gpt2', { layers: 3 })
  const setting: TrainingOptions = { method: 'lora', dtype: 'bfloat16', seq_len: 32, batch_size: 2 }
  const body = inspected(setting, setting, {}, 4, gpt2)
  assert.is(body.tiers[0]?.measured_bytes, body.tiers[0]?.predicted_bytes)
  assert.ok(body.blocks.every((b) => b.measured === b.predicted))
  const rows = 2 * 32
  const statistics = body.tiers[0]!.predicted_bytes! - predict(gpt2, train(setting, gpt2), STACK).peak.bytes
  // 3 layers' pairs but for the first norm's, whose input wants no gradient, the last norm's, and 6 counts of steps
  assert.is(statistics, 2 * rows * (2 * 3 - 1 + 1) * 2 + 4 * 6)
})

test('A unfrozen: a LoRA run whose plan says LoRA-FA keeps X of q_proj and v_proj, because A trains', () => {
  const body = inspected({ ...SETTING, method: 'lora' }, SETTING)
  assert.not(body.within)
  const [setting] = found(body, 'setting')
  assert.equal(setting?.changes, [{ lever: 'method', says: 'A trains again' }])
  assert.is(setting?.left_bytes, 0)
  const x = setting!.terms.filter((t) => t.name.startsWith('X of'))
  assert.equal(x.map((t) => t.name).sort(), ['X of q_proj', 'X of v_proj'])
  assert.ok(x.every((t) => t.monomial === '4·b·t·h' && t.bytes === 4 * 2 * 32 * 576))
  assert.is(
    x.reduce((n, t) => n + t.count, 0),
    6,
  )
  assert.equal(found(body, 'unexplained'), [])
})

test('a leak is named by its size, its steps and the line that asked for it; the rest is as planned', () => {
  const body = inspected(SETTING, SETTING, { leak: 123_456 }, 5)
  assert.not(body.within)
  const [leak] = found(body, 'leak')
  assert.is(leak?.bytes, 123_456)
  assert.is(leak?.each_step, 1)
  assert.is(leak?.count, 5)
  assert.is(leak?.at, 'train.py:57 log_loss')
  assert.equal(leak?.frames, ['train.py:57 log_loss', 'train.py:41 main'])
  assert.equal(found(body, 'setting'), [])
  assert.equal(found(body, 'unexplained'), [])
})

test('no leak where none was planted, and none before three steps can be told apart', () => {
  for (const accumulation of [1, 2])
    assert.equal(found(inspected({ ...SETTING, gradient_accumulation: accumulation }, SETTING, {}, 5), 'leak'), [])
  assert.equal(found(inspected(SETTING, SETTING, { leak: 123_456 }, 2), 'leak'), [])
})

test('a leak in a run with A unfrozen: both are named', () => {
  const body = inspected({ ...SETTING, method: 'lora' }, SETTING, { leak: 99_000 }, 5)
  assert.is(found(body, 'leak')[0]?.bytes, 99_000)
  assert.is(found(body, 'setting')[0]?.changes[0]?.says, 'A trains again')
  assert.is(found(body, 'setting')[0]?.left_bytes, 0)
})

test('other options are named for what they are', () => {
  const cases: [TrainingOptions, string][] = [
    [{ lora_dropout: 0.1 }, 'dropout before A is on'],
    [{ seq_len: 48 }, 'sequences have 48 tokens, not 32'],
    [{ batch_size: 4 }, 'the batch has 4 sequences, not 2'],
    [{ gradient_checkpointing: 'non-reentrant' }, 'layers are checkpointed (non-reentrant)'],
    [{ attention: 'eager' }, 'attention is eager'],
    [{ adapter_dtype: 'base' }, "adapters have the base's type"],
    [{ method: 'full' }, 'the base trains too'],
  ]
  for (const [differs, says] of cases) {
    const [setting] = found(inspected({ ...SETTING, ...differs }, SETTING), 'setting')
    assert.equal(
      setting?.changes.map((c) => c.says),
      [says],
      says,
    )
    assert.is(setting?.left_bytes, 0, says)
  }
})

test('two options at once are found one after the other', () => {
  const [setting] = found(inspected({ ...SETTING, method: 'lora', attention: 'eager' }, SETTING), 'setting')
  assert.equal(setting?.changes.map((c) => c.says).sort(), ['A trains again', 'attention is eager'])
  assert.is(setting?.left_bytes, 0)
})

test('a few bytes more are no proof of an option', () => {
  const body = inspected(SETTING, SETTING, { leak: 4 }, 2)
  assert.equal(body.findings, [])
  assert.ok(body.within)
})

test('what no option accounts for is listed by its size, with the modules where the run says them', () => {
  const body = inspected(SETTING, SETTING, { metadata: true })
  assert.ok(body.within)
  assert.match(body.peak.measured?.scope ?? '', /^$|model|lm_head/)
  const odd = inspected(SETTING, SETTING, { leak: 50_000_000 }, 2)
  assert.is(found(odd, 'unexplained')[0]?.bytes, 50_000_000)
  assert.equal(found(odd, 'unexplained')[0]?.at, ['train.py:57 log_loss'])
})

test.run()

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { HARDWARE_FLAGS, SETTING_FLAGS } from '../../cli/flags.ts'
import { readSettingsFile } from '../../cli/settings/file.ts'
import { mergeFiles } from '../../cli/settings/files.ts'
import { inFolder } from '../../cli/testing/binary.ts'
import { type LaunchCase, launchCases } from '../../cli/testing/launch-cases.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { emit, LAUNCHERS, type LauncherName } from './index.ts'

/** A line of fixtures/launch/proof.jsonl: what the tool itself made of the files (fixtures/record/launch.py). */
interface Proof {
  readonly id: string
  readonly tool: string
  readonly accepted: boolean
  readonly by: string
  readonly versions: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
  readonly trainable?: number
  readonly saved_bytes?: number
  readonly saved_bytes_after_base_model?: number
  readonly saved_bytes_after_disable_adapter?: number
}

const path = fileURLToPath(new URL('../../../fixtures/launch/proof.jsonl', import.meta.url))
const proofs: Proof[] = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
const cases = launchCases()
const proofOf = ({ id }: LaunchCase): Proof => proofs.find((proof) => proof.id === id)!

test('every tool has cases, and what it accepted is what is emitted now', () => {
  assert.equal([...new Set(cases.map(({ tool }) => tool))].sort(), Object.keys(LAUNCHERS).sort())
  assert.equal(
    cases.map(({ id }) => id),
    proofs.map(({ id }) => id),
  )
  for (const one of cases) {
    const proof = proofOf(one)
    assert.ok(proof.accepted && proof.by !== '' && Object.keys(proof.versions).length >= 2, one.id)
    assert.equal(Object.fromEntries(one.files.map(({ name, text }) => [name, text])), proof.files, one.id)
  }
})

test("the emitted script of PEFT keeps exactly the predicted bytes, also after a pass with the adapter disabled; PEFT's own does not", () => {
  const run = cases.filter(({ tool }) => tool === 'peft')
  assert.is(run.length, 8)
  for (const one of run) {
    const proof = proofOf(one)
    assert.is(proof.saved_bytes, one.predictedSavedBytes, one.id)
    if (one.training.method !== 'lora-fa') continue
    assert.is(proof.saved_bytes_after_base_model, one.predictedSavedBytes, one.id)
    assert.is(proof.saved_bytes_after_disable_adapter, one.withoutGuardBytes, one.id)
  }
  const bare = run.filter((one) => one.withoutGuardBytes > one.predictedSavedBytes)
  assert.ok(bare.length >= 3, 'the trap is there to be seen')
})

test('LoRA-FA is written out wherever it is emitted', () => {
  for (const { id, training, files } of cases.filter(({ training }) => training.method === 'lora-fa')) {
    const code = files.filter(({ name }) => name.endsWith('.py')).map(({ text }) => text)
    assert.is(code.length, 1, id)
    assert.match(code[0]!, /if "\.lora_A\." in name:\n {12}parameter\.requires_grad_\(False\)/)
    assert.match(code[0]!, /disable_adapter/)
    if (training.optimizer === 'lorafa') assert.match(code[0]!, /create_lorafa_optimizer\(/)
  }
})

/** The file in which a tool's own reader of --config finds the setting again. */
const READ_BACK: Readonly<Partial<Record<LauncherName, string>>> = {
  trl: 'sft.yaml',
  axolotl: 'axolotl.yaml',
  'llama-factory': 'llama-factory.yaml',
  torchtune: 'torchtune.yaml',
}

test('a file that is emitted reads back through --config as the same setting', async () => {
  let read = 0
  for (const { id, tool, training, files } of cases) {
    const name = READ_BACK[tool]
    if (name === undefined || training.method === 'lora-fa') continue
    await inFolder(async (folder) => {
      const file = join(folder, name)
      writeFileSync(file, files.find((f) => f.name === name)!.text)
      const options = {
        allowed: ['method', ...SETTING_FLAGS, ...HARDWARE_FLAGS] as const,
        command: 'estimate',
        skip: [],
      }
      const contents = await readSettingsFile(file, options)
      const { values, problems } = mergeFiles([contents], { fused_loss: 'none' })
      assert.equal(problems, [], id)
      const said: Readonly<Record<string, unknown>> = training
      for (const [key, value] of Object.entries(values)) {
        // torchtune names the linears of which all-linear is short for
        if (tool === 'torchtune' && key === 'target_modules') assert.is((value as string[]).length, 7)
        else if (said[key] !== undefined) assert.equal(value, said[key], `${id} ${key}`)
      }
      for (const key of ['method', 'seq_len', 'dtype', 'batch_size', 'gradient_checkpointing'])
        assert.equal(values[key], said[key], `${id} ${key}`)
      read++
    })
  }
  assert.ok(read >= 6)
})

test('what a tool has no words for is refused, with what to say instead', () => {
  const [base] = cases.filter(({ id }) => id === 'accelerate-one')
  const refusal = (tool: LauncherName, change: Partial<LaunchCase['training']>): string => {
    try {
      emit(tool, {
        model: 'meta-llama/Llama-3.2-1B',
        training: { ...base!.training, ...change },
      })
      return ''
    } catch (error) {
      if (error instanceof Refusal) return `${error.where}: ${error.message} ${error.next}`
      throw error
    }
  }
  assert.match(
    refusal('torchtune', { method: 'lora-fa' }),
    /--emit torchtune: --method lora-fa: .* Say --emit peft or trl/,
  )
  assert.match(
    refusal('torchtune', { autocast: 'none' }),
    /--adapter-dtype float32: its adapters .* Say --adapter-dtype base/,
  )
  assert.match(refusal('axolotl', { autocast: 'none' }), /--autocast none: .* Say --autocast bfloat16/)
  assert.match(refusal('llama-factory', { optimizer: 'lorafa' }), /without PEFT's correction Say --optimizer adamw/)
  assert.match(refusal('trl', { task: 'seq2seq-lm' }), /trains causal language models Say --emit peft/)
  assert.match(
    refusal('trl', { quantize: 'nf4' }),
    /casts adapters of a quantized base to bfloat16 Say --adapter-dtype base/,
  )
  assert.match(refusal('accelerate', { optimizer_impl: 'for-loop' }), /has no name in the Trainer Say fused or foreach/)
  assert.is(refusal('peft', { optimizer_impl: 'for-loop' }), '')
})

test.run()

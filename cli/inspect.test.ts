import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseModelText } from '../models/parse.ts'
import { resolveStack, simulate } from '../planner/predict/index.ts'
import { InspectResult } from '../planner/result/inspect.ts'
import { writeSnapshot } from '../planner/snapshot/index.ts'
import { type Recording, recorded } from '../planner/snapshot/recorded.test.cases.ts'
import { resolveTraining } from '../planner/training/resolve.ts'
import { inFolder, type Outcome, tidemark } from './testing/binary.ts'

const CONFIG = JSON.stringify({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 100,
})
const SETTING = ['-b', '2', '-s', '64', '--target-modules', 'q_proj,v_proj', '--dtype', 'bfloat16']

/** A folder with a model, and a snapshot as a GPU would have recorded it under a method. */
const withRun = <T>(
  method: 'lora' | 'lora-fa',
  how: Recording,
  work: (at: { model: string; snapshot: string; folder: string }) => Promise<T>,
) =>
  inFolder(async (folder) => {
    const [model, snapshot] = [join(folder, 'config.json'), join(folder, 'run.pickle')]
    writeFileSync(model, CONFIG)
    const stack = resolveStack('transformers-5.23')
    const spec = await parseModelText(CONFIG, { name: 'm', filename: 'config.json' })
    const asked = {
      method,
      batch_size: 2,
      seq_len: 64,
      target_modules: ['q_proj', 'v_proj'],
      dtype: 'bfloat16',
    } as const
    const { train } = resolveTraining(spec, asked, { stack: stack.name })
    const { events } = simulate(spec, train, stack.dialect, { library: stack.library, steps: 2 })
    writeFileSync(snapshot, writeSnapshot(recorded(events, { steps: 5, ...how })))
    return work({ model, snapshot, folder })
  })

const plan = (model: string, method = 'lora-fa'): string[] => ['--plan', model, '--method', method, ...SETTING, '-q']

const refused = ({ status, stdout, stderr }: Outcome, words: RegExp): void => {
  assert.is(status, 2, stderr)
  assert.is(stdout, '')
  assert.match(stderr, words)
}

test('a run as planned: exit 0, to the byte, by flags and by a saved estimate', async () => {
  await withRun('lora-fa', {}, async ({ model, snapshot, folder }) => {
    const { status, stdout, stderr } = await tidemark(['inspect', snapshot, ...plan(model), '--json'])
    assert.is(status, 0, stderr)
    const { result } = InspectResult.parse(JSON.parse(stdout))
    assert.is(result.tiers[0]?.measured_bytes, result.tiers[0]?.predicted_bytes)
    const saved = join(folder, 'estimate.json')
    await tidemark(['estimate', model, '--method', 'lora-fa', ...SETTING, '-q', '--json', '-o', saved])
    const again = await tidemark(['inspect', snapshot, '--plan', saved, '-q', '--json'])
    assert.is(again.status, 0, again.stderr)
    assert.equal(JSON.parse(again.stdout).result, result)
    const text = await tidemark(['inspect', snapshot, ...plan(model)])
    assert.match(text.stdout, /✓ live, allocated, reserved as planned/)
    assert.match(text.stdout, /2 × cuBLAS workspace before Hopper/)
  })
})

test('a snapshot with A unfrozen: exit 5, and X of q_proj is named', async () => {
  await withRun('lora', {}, async ({ model, snapshot }) => {
    const { status, stdout } = await tidemark(['inspect', snapshot, ...plan(model)])
    assert.is(status, 5)
    assert.match(stdout, /your run keeps X of q_proj \(4·b·t·h, 2 tensors, 128\.0 KiB\): A trains again/)
    assert.match(stdout, /this accounts for all/)
    assert.is((await tidemark(['inspect', snapshot, ...plan(model, 'lora')])).status, 0)
  })
})

test('a snapshot with a planted leak: exit 5, its bytes and its line', async () => {
  await withRun('lora-fa', { leak: 3000 }, async ({ model, snapshot }) => {
    const { status, stdout } = await tidemark(['inspect', snapshot, ...plan(model)])
    assert.is(status, 5)
    assert.match(stdout, /the run leaks/)
    assert.match(stdout, /a tensor of 2\.9 KiB \(3 000 B\) more each step: leak at train\.py:57 log_loss/)
  })
})

test('a truncated snapshot and malicious ones are refused with the byte and what to do', async () => {
  await withRun('lora-fa', {}, async ({ model, snapshot, folder }) => {
    truncateSync(snapshot, 5000)
    refused(
      await tidemark(['inspect', snapshot, ...plan(model)]),
      /run\.pickle: byte \d+: the file ends in the middle of .*Copy/,
    )
    const evil = join(folder, 'evil.pickle')
    writeFileSync(evil, Buffer.from('\x80\x02cposix\nsystem\nX\x04\x00\x00\x00echo\x85R.', 'latin1'))
    refused(
      await tidemark(['inspect', evil, ...plan(model)]),
      /byte 2: opcode GLOBAL \(posix\.system\): this file would run code in Python\. Nothing was executed/,
    )
    writeFileSync(evil, Buffer.from('\x80\x04X\xff\xff\xff\x7f', 'latin1'))
    refused(await tidemark(['inspect', evil, ...plan(model)]), /byte 2: the file ends in the middle of a text/)
    writeFileSync(evil, Buffer.from('\x80\x02}.', 'latin1'))
    refused(await tidemark(['inspect', evil, ...plan(model)]), /segments: is missing; expected a list/)
    writeFileSync(evil, 'PK\x03\x04')
    refused(await tidemark(['inspect', evil, ...plan(model)]), /zip file, as torch\.save/)
  })
})

test('the Trainer’s metrics are compared as allocated bytes only', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'all_results.json')
    const { result } = JSON.parse((await tidemark(['estimate', 'smollm2-135m', '-s', '64', '--json', '-q'])).stdout)
    const peak: number = result.tiers.allocated.bytes
    const metrics = {
      before_init_mem_gpu: 1024,
      init_mem_gpu_alloc_delta: peak - 60_000_000,
      init_mem_gpu_peaked_delta: 0,
    }
    const train = { train_mem_gpu_alloc_delta: 20_000_000, train_mem_gpu_peaked_delta: 40_000_000 - 1024 }
    const args = ['inspect', file, '--plan', 'smollm2-135m', '-s', '64', '-q', '--json']
    writeFileSync(file, JSON.stringify({ ...metrics, ...train }))
    const exact = await tidemark(args)
    assert.is(exact.status, 0, exact.stderr)
    const { tiers } = InspectResult.parse(JSON.parse(exact.stdout)).result
    assert.equal(
      tiers.map((t) => [t.tier, t.measured_bytes, t.predicted_bytes]),
      [['allocated', peak, peak]],
    )
    const state = { log_history: [{ loss: 1 }, { ...metrics, ...train, train_mem_gpu_peaked_delta: 80_000_000 }] }
    writeFileSync(file, JSON.stringify(state))
    assert.is((await tidemark(args)).status, 5)
    writeFileSync(file, JSON.stringify(train))
    refused(await tidemark(args), /has no before_init_mem_gpu\..*skip_memory_metrics=False/)
    writeFileSync(file, '{"train_runtime": 3}')
    refused(await tidemark(args), /the Trainer did not track memory/)
  })
})

test('nvidia-smi and a plain size are compared with the process tier only', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'smi.csv')
    const inspect = async (...more: string[]) =>
      tidemark(['inspect', ...more, '--plan', 'smollm2-135m', '-s', '64', '--json'])
    const processBytes = async (measured: string) => {
      const { stdout, stderr } = await inspect(measured)
      const { tiers } = InspectResult.parse(JSON.parse(stdout)).result
      assert.equal(
        tiers.map((t) => t.tier),
        ['process'],
      )
      return { bytes: tiers[0]?.measured_bytes, stderr }
    }
    writeFileSync(file, 'timestamp, index, memory.used [MiB]\nx, 0, 900 MiB\nx, 0, 1200 MiB\nx, 0, 30 MiB\n')
    assert.is((await processBytes(file)).bytes, 1200 * 2 ** 20)
    writeFileSync(file, 'pid, used_gpu_memory [MiB]\n1, 900\n2, 400\npid, used_gpu_memory [MiB]\n1, 950\n')
    const several = await processBytes(file)
    assert.is(several.bytes, 950 * 2 ** 20)
    assert.match(several.stderr, /2 devices or processes \(1, 2\): the largest is compared/)
    assert.is((await processBytes('23.4GiB')).bytes, Math.round(23.4 * 2 ** 30))
    refused(await inspect('23.4'), /is a size without a unit\. Write 23\.4GiB/)
    writeFileSync(file, 'index, memory.used [MiB]\n0, [N/A]\n')
    refused(await inspect(file), /smi\.csv:2:1: "\[N\/A\]" is no memory with a unit/)
  })
})

test('the trace of a run is held against the prediction for its engine', async () => {
  await inFolder(async (folder) => {
    const [model, trace] = [join(folder, 'config.json'), join(folder, 't.jsonl')]
    writeFileSync(model, CONFIG)
    const setting = ['-s', '8', '--target-modules', 'q_proj']
    const run = await tidemark(['run', model, '--method', 'lora', ...setting, '-q', '--steps', '4', '--trace', trace])
    assert.is(run.status, 0, run.stderr)
    const same = await tidemark(['inspect', trace, '--plan', model, '--method', 'lora', ...setting, '-q', '--json'])
    assert.is(same.status, 0, same.stderr)
    const { result, input } = InspectResult.parse(JSON.parse(same.stdout))
    assert.is(input.stack, 'wasm')
    assert.equal(
      result.tiers.map((t) => [t.tier, t.ratio]),
      [['live', 1]],
    )
    const other = await tidemark(['inspect', trace, '--plan', model, '--method', 'lora-fa', ...setting, '-q', '--json'])
    const [setting1] = InspectResult.parse(JSON.parse(other.stdout)).result.findings
    assert.is(setting1?.kind === 'setting' && setting1.changes[0]?.says, 'A trains again')
  })
})

test('what inspect needs and cannot take', async () => {
  await inFolder(async (folder) => {
    refused(await tidemark(['inspect', '1GiB']), /needs --plan/)
    refused(await tidemark(['inspect', '1GiB', '--plan', 'smollm2-135n']), /--plan: .*Did you mean smollm2-135m/)
    refused(await tidemark(['inspect', join(folder, 'none'), '--plan', 'smollm2-135m']), /there is no such file/)
    const saved = join(folder, 'e.json')
    await tidemark(['estimate', 'smollm2-135m', '-s', '64', '--json', '-q', '-o', saved])
    refused(await tidemark(['inspect', '1GiB', '--plan', saved, '-s', '3']), /--seq-len: .* says the whole setting/)
    refused(await tidemark(['inspect', saved, '--plan', saved]), /is a result of tidemark \(tidemark\/estimate@1\)/)
  })
})

test.run()

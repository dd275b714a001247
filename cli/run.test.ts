import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CompareResult } from '../planner/result/compare.ts'
import { RunResult } from '../planner/result/run.ts'
import { readSnapshot } from '../planner/snapshot/index.ts'
import { BINARY, cleanEnv, inFolder, tidemark } from './testing/binary.ts'

const CONFIG = JSON.stringify({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  vocab_size: 97,
  torch_dtype: 'bfloat16',
})

/** A folder with a tiny model, removed afterwards. */
const withModel = (work: (model: string, folder: string) => Promise<void>): Promise<void> =>
  inFolder(async (folder) => {
    const model = join(folder, 'config.json')
    writeFileSync(model, CONFIG)
    await work(model, folder)
  })

interface ChromeEvent {
  readonly name: string
  readonly args?: { readonly name?: string }
}

test('run: measured equals predicted, tier by tier, with a trace that makes a Chrome trace', async () => {
  await withModel(async (model, folder) => {
    const trace = join(folder, 'trace.jsonl')
    const args = ['run', model, '--method', 'lora-fa', '-s', '8', '-b', '2', '--steps', '4', '--json', '--trace', trace]
    const { status, stdout, stderr } = await tidemark([...args, '-q'])
    assert.is(status, 0, stderr)
    assert.is(stderr, '')
    const { result, input } = RunResult.parse(JSON.parse(stdout))
    assert.ok(result.tiers.some((t) => t.tier === 'saved' && t.verdict === 'equal'))
    assert.not(result.tiers.some((t) => t.verdict === 'differs'))
    assert.is(input.training.dtype, 'float32')
    const [header = ''] = readFileSync(trace, 'utf8').split('\n')
    assert.is(JSON.parse(header).predicted_hash, result.predicted_hash)
    const predicted = join(folder, 'predicted.jsonl')
    await tidemark(['estimate', model, '--method', 'lora-fa', '-s', '8', '-b', '2', '-q', '--trace', predicted])
    const made = await tidemark(['report', predicted, trace], { cwd: folder })
    assert.is(made.stdout, 'predicted.trace.json\n', made.stderr)
    const chrome = JSON.parse(readFileSync(join(folder, 'predicted.trace.json'), 'utf8'))
    const names = chrome.traceEvents.flatMap((e: ChromeEvent) => (e.name === 'process_name' ? [e.args?.name] : []))
    assert.match(names.join('|'), /^predicted, torch-2\.13.*\|measured, tfjs-4\.22\/wasm.*number of the event/)
  })
})

test('compare --run: says how it executes, ✓ stands beside its own prediction, cuts are stated, reports are written', async () => {
  await withModel(async (model, folder) => {
    const report = join(folder, 'report.html')
    const args = ['compare', model, '--run', '-s', '8', '--steps', '2', '--layers', '2', '--report', report]
    const { status, stdout, stderr } = await tidemark(args)
    assert.is(status, 0, stderr)
    assert.match(stderr, /executes in float32 on wasm/)
    const [estimate = '', executed = ''] = stdout.split(/\n(?=\S.* cut to 2 layers)/)
    assert.not.match(estimate, /✓/)
    assert.match(executed, /\n {2}measured +[\d.]+ KiB ✓ +[\d.]+ KiB ✓ +[\d.]+ KiB ✓\n/)
    assert.match(executed, /not exercised: bfloat16 weights/)
    assert.match(stdout, /\nreport: .*report\.html\n$/)
    assert.match(readFileSync(report, 'utf8'), /^<!doctype html>/)
  })
})

test('run takes attention, checkpointing and padding as they were asked for', async () => {
  await withModel(async (model) => {
    const run = ['run', model, '-s', '12', '-b', '2', '--steps', '2', '--method', 'lora-fa']
    for (const asked of [
      ['flash_attention_2'],
      ['flash_attention_2', '--padding'],
      ['sdpa', '--padding'],
      ['eager', '--padding'],
    ]) {
      const args = [...run, '--gradient-checkpointing', 'non-reentrant', '--attention', ...asked]
      const { status, stdout, stderr } = await tidemark(args)
      assert.is(status, 0, stderr)
      assert.match(stdout, /✓ 13 of 13 figures equal the prediction to the byte/)
      assert.match(stdout, new RegExp(asked[0]!))
    }
  })
})

test('a saved comparison becomes every format', async () => {
  await withModel(async (model, folder) => {
    const saved = join(folder, 'compare.json')
    assert.is((await tidemark(['compare', model, '-s', '8', '--json', '-q', '-o', saved])).status, 0)
    CompareResult.parse(JSON.parse(readFileSync(saved, 'utf8')))
    const { status, stdout } = await tidemark(['report', saved, '--format', 'html,md,csv,svg'], { cwd: folder })
    assert.is(status, 0)
    assert.is(stdout, 'compare.html\ncompare.md\ncompare.csv\ncompare.svg\n')
    const events = await tidemark(['report', saved, '--format', 'chrome-trace,torch-snapshot'], { cwd: folder })
    assert.is(events.status, 0, events.stderr)
    const snapshots = ['full', 'lora', 'lora-fa'].map((m) => `compare-${m}.pickle\n`)
    assert.is(events.stdout, `compare.trace.json\n${snapshots.join('')}`)
    assert.is(readSnapshot(readFileSync(join(folder, 'compare-lora.pickle'))).origin?.kind, 'predicted')
    writeFileSync(saved, '{"schema": "tidemark/compare@1"}')
    const wrong = await tidemark(['report', saved])
    assert.is(wrong.status, 2)
  })
})

test('Ctrl-C in the middle of a run: 130 within a second, nothing left behind', async () => {
  await withModel(async (model, folder) => {
    const args = [BINARY, 'run', model, '-s', '64', '--steps', '10000', '--verbose', '--trace', join(folder, 't.jsonl')]
    const child = spawn(process.execPath, args, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
    await new Promise<void>((running) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('step ')) running()
      })
    })
    const asked = performance.now()
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    assert.is(await closed, 130)
    assert.ok(performance.now() - asked < 1000)
    assert.equal(readdirSync(folder), ['config.json'])
  })
})

test.run()

import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { StudyResult } from '../planner/result/study.ts'
import { studyFromLines } from './study/results.ts'
import { bytePairsJson } from './study/tokenizers/byte-pairs.ts'
import { inFolder, tidemark } from './testing/binary.ts'

const page = (name: string) => fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url))
const checkpoint = fileURLToPath(new URL('../../fixtures/checkpoints/llama', import.meta.url))
const TEXTS = ['--text', page('paper'), '--pretrain-text', page('accuracy'), '--engine', 'wasm']
const SMALL = ['-s', '16', '-b', '2', '--steps', '3', '--pretrain-steps', '4', '--ranks', '2', '--json', '-q']

const smoke = (...more: string[]) => tidemark(['study', 'tiny-decoder', ...TEXTS, ...SMALL, ...more])

/** What must be the same for a seed on an engine: all but the clock's. */
const numbersOf = (stdout: string) =>
  StudyResult.parse(JSON.parse(stdout)).result.runs.map(({ seconds_per_step: _, ...run }) => run)

test('a small study: every method, measured peaks as predicted; it goes on from its results and repeats itself', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'runs.jsonl')
    const first = await smoke('--methods', 'full,lora-fa', '--seeds', '1', '--results', file)
    assert.is(first.status, 0, first.stderr)
    assert.is(first.stderr, '')
    const [, ...begun] = readFileSync(file, 'utf8').trim().split('\n')
    assert.is(begun.length, 2)
    const all = ['--methods', 'full,lora,lora-fa,lora-fa-corrected,frozen-b', '--seeds', '2']
    const resumed = await smoke(...all, '--results', file)
    assert.is(resumed.status, 0, resumed.stderr)
    const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n')
    assert.equal(lines.slice(0, 2), begun, 'finished runs were not made again')
    assert.is(JSON.parse(head!).command, JSON.parse(resumed.stdout).command, 'the first line is of the newest command')
    assert.equal(studyFromLines(readFileSync(file, 'utf8'), file), JSON.parse(resumed.stdout))
    const runs = numbersOf(resumed.stdout)
    assert.is(runs.length, 10)
    for (const run of runs.filter((r) => r.method !== 'frozen-b')) assert.is(run.peak_bytes, run.predicted_peak_bytes)
    const whole = await smoke(...all)
    assert.equal(numbersOf(whole.stdout), runs)
    const other = await smoke('--seeds', '1', '--results', file, '--lora-alpha', '3')
    assert.is(other.status, 2)
    assert.match(other.stderr, /holds runs of another study/)
    const page = join(folder, 'page.html')
    const reported = await tidemark(['report', file, '-o', page])
    assert.is(reported.status, 0, reported.stderr)
    assert.match(readFileSync(page, 'utf8'), /<section id="quality">[\s\S]*<section id="curves">/)
    const events = await tidemark(['report', file, '--format', 'chrome-trace'])
    assert.is(events.status, 2)
    assert.match(events.stderr, /is a study, whose result has no events/)
    writeFileSync(file, 'nonsense\n')
    assert.match((await smoke('--results', file)).stderr, /runs\.jsonl:1: is no run of a study/)
  })
})

for (const [model, task] of [
  ['tiny-encoder', 'sequence-classification'],
  ['tiny-encoder-decoder', 'seq2seq-lm'],
] as const)
  test(`a small study of ${model}: peaks as predicted, the validation it began with, and for a classifier the commonest class`, async () => {
    const args = ['study', model, ...TEXTS, ...SMALL, '--methods', 'lora,lora-fa', '--seeds', '1']
    const { status, stdout, stderr } = await tidemark(args)
    assert.is(status, 0, stderr)
    const { result } = StudyResult.parse(JSON.parse(stdout))
    assert.is(result.task, task)
    assert.is(result.runs.length, 2)
    for (const run of result.runs) {
      assert.is(run.peak_bytes, run.predicted_peak_bytes)
      assert.is(run.validation.accuracy === null, task === 'seq2seq-lm')
    }
    const [lora, loraFa] = result.runs
    assert.equal(
      lora!.curve[0]!.validation,
      loraFa!.curve[0]!.validation,
      'the same base, and an adapter that does nothing yet',
    )
    assert.ok(loraFa!.peak_bytes < lora!.peak_bytes)
    const share = result.data.majority
    if (task === 'seq2seq-lm') assert.is(share, null)
    else assert.ok(share !== null && share.test >= 1 / 3 && share.test <= 1)
  })

test("a checkpoint's own tokenizer is taken where it has one, and refused where the model has too few tokens for it", async () => {
  await inFolder(async (folder) => {
    cpSync(checkpoint, folder, { recursive: true })
    const json = bytePairsJson()
    // as many of its tokens as the checkpoint has
    const tokens = Object.entries(json.model.vocab).filter(([, id]) => id < 260)
    const model = { ...json.model, vocab: Object.fromEntries(tokens), merges: json.model.merges.slice(0, 1) }
    const own = join(folder, 'tokenizer.json')
    writeFileSync(own, JSON.stringify({ ...json, model }))
    const args = [
      'study',
      folder,
      ...TEXTS.slice(0, 2),
      ...SMALL,
      '--engine',
      'wasm',
      '--methods',
      'lora-fa',
      '--seeds',
      '1',
    ]
    const outcome = await tidemark(args)
    assert.is(outcome.status, 0, outcome.stderr)
    assert.is(StudyResult.parse(JSON.parse(outcome.stdout)).result.data.tokenizer, own)
    const bytes = await tidemark([...args, '--tokenizer', 'bytes'])
    assert.match(StudyResult.parse(JSON.parse(bytes.stdout)).result.data.tokenizer, /^bytes/)
    const wide = await tidemark([...args, '--tokenizer', 'byte-pairs'])
    assert.is(wide.status, 2)
    assert.match(wide.stderr, /has 260 tokens; byte pairs of Moby-Dick has 1024/)
    writeFileSync(own, '{}')
    const broken = await tidemark(args)
    assert.is(broken.status, 2)
    assert.match(broken.stderr, /tokenizer\.json: is no tokenizer that @huggingface\/tokenizers reads/)
  })
})

test('a checkpoint is read, and each adapter is written as PEFT has it', async () => {
  await inFolder(async (folder) => {
    const args = ['study', checkpoint, ...TEXTS.slice(0, 2), '--engine', 'wasm', '--methods', 'lora-fa', '--seeds', '1']
    const outcome = await tidemark([...args, ...SMALL, '--adapters', folder])
    assert.is(outcome.status, 0, outcome.stderr)
    assert.match(StudyResult.parse(JSON.parse(outcome.stdout)).result.base.source, /checkpoint .*llama.*20 tensors/)
    assert.ok(existsSync(join(folder, 'lora-fa-r2-0.03-0', 'adapter_model.safetensors')))
  })
})

test('a corpus that is not installed is told of with what to type', async () => {
  await inFolder(async (folder) => {
    const { status, stderr } = await tidemark(['study', 'tiny-decoder'], { cwd: folder })
    assert.is(status, 2)
    assert.match(stderr, /Type `npm install @stdlib\/datasets-moby-dick @stdlib\/datasets-sotu`/)
  })
})

test('what is wrong is told: ranks and rates', async () => {
  const wrong = await tidemark(['study', 'tiny-decoder', '--ranks', '4,x', '--learning-rates', '1e-3,1e-3'])
  assert.is(wrong.status, 2)
  assert.match(wrong.stderr, /--ranks: is "4,x"; expected one or more integers/)
  assert.match(wrong.stderr, /--learning-rates: .*none twice/)
})

test.run()

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EstimateResult } from '../planner/result/estimate.ts'
import { inFolder, tidemark } from './testing/binary.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/configs/${name}`, import.meta.url))

test("estimate --config takes model and setting from another tool's file, and says what it read", async () => {
  const args = ['estimate', '--config', fixture('axolotl-lora.yaml'), '-s', '256']
  const { status, stdout, stderr } = await tidemark([...args, '--json'])
  assert.is(status, 0, stderr)
  const { input, warnings } = EstimateResult.parse(JSON.parse(stdout))
  assert.is(input.model.name, 'llama-3.2-1b')
  assert.match(input.model.source, /NousResearch\/Llama-3\.2-1B, a mirror of meta-llama\/Llama-3\.2-1B/)
  const [file] = input.config!
  assert.is(file!.format, 'axolotl')
  assert.equal(file!.overridden, ['sequence_len'])
  assert.ok(file!.ignored.some(({ key, reason }) => key === 'learning_rate' && /no shapes/.test(reason)))
  assert.ok(warnings.some((w) => /^--seq-len 256 wins over .*:9:1 sequence_len \(2048\)$/.test(w)))
  assert.match(stderr, /axolotl-lora\.yaml: axolotl, \d+ keys read, \d+ ignored \(--verbose lists them\)/)
  assert.match((await tidemark([...args, '--verbose'])).stderr, /\n {2}learning_rate \(how weights move, no shapes\)/)
})

test('the same figures as with the flags that the file stands for', async () => {
  const flags =
    '--method lora -r 16 --lora-alpha 32 --lora-dropout 0.05 --target-modules all-linear -s 256 -b 2 --gradient-accumulation 2 --dtype bfloat16 --autocast bfloat16 --attention flash_attention_2 --gradient-checkpointing reentrant --optimizer adamw --optimizer-impl fused'
  const [file, typed] = await Promise.all([
    tidemark(['estimate', '--config', fixture('axolotl-lora.yaml'), '-s', '256', '--json', '-q']),
    tidemark(['estimate', 'llama-3.2-1b', ...flags.split(' '), '--json', '-q']),
  ])
  assert.equal(JSON.parse(file.stdout).result, JSON.parse(typed.stdout).result)
})

test('a file without a model asks for one; the command line wins over the one it names', async () => {
  const none = await tidemark(['estimate', '--config', fixture('training_args.json')])
  assert.is(none.status, 2)
  assert.match(none.stderr, /estimate: needs a model; .*training_args\.json names none\. Say tidemark estimate <model>/)
  const args = ['estimate', 'smollm2-135m', '--config', fixture('trl-sft.yaml'), '--json', '-q', '-s', '64']
  const { stdout, stderr } = await tidemark(args)
  assert.is(JSON.parse(stdout).input.model.name, 'smollm2-135m', stderr)
})

test('a model that is nowhere is told at its place in the file', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'run.yaml')
    writeFileSync(file, 'micro_batch_size: 1\nbase_model: nobody/nothing\nbf16: true\nadapter: lora\nlora_r: 8\n')
    const { status, stderr } = await tidemark(['estimate', '--config', file])
    assert.is(status, 2)
    assert.match(
      stderr,
      /run\.yaml:2:1 base_model: "nobody\/nothing" is no file.* Or name another model on the command line/,
    )
  })
})

test("PEFT's SEQ_CLS trains the head of a classifier, and it is told as PEFT's doing", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'adapter_config.json')
    const adapter = {
      peft_type: 'LORA',
      task_type: 'SEQ_CLS',
      r: 8,
      base_model_name_or_path: 'FacebookAI/roberta-base',
    }
    writeFileSync(file, JSON.stringify(adapter))
    const { stdout, stderr } = await tidemark(['estimate', '--config', file, '-s', '32', '--json', '-q'])
    const { input } = EstimateResult.parse(JSON.parse(stdout || stderr))
    assert.equal([input.training.task, input.training.modules_to_save], ['sequence-classification', ['classifier']])
    assert.ok(input.assumptions.some(({ what, from }) => what === 'modules-to-save' && /SEQ_CLS/.test(from)))
  })
})

test('two files together, and what sharding names is followed', async () => {
  const args = ['estimate', 'smollm2-135m', '-s', '64', '--json', '-q']
  const both = `${fixture('adapter_config.json')},${fixture('training_args.json')}`
  const { stdout, stderr } = await tidemark([...args, '--config', both])
  const { input } = JSON.parse(stdout)
  assert.equal([input.training.rank, input.training.batch_size, input.config.length], [32, 2, 2], stderr)
})

test('--emit writes the files and says how they start; --emit-to chooses the folder', async () => {
  await inFolder(async (folder) => {
    const args = ['estimate', 'smollm2-135m', '--method', 'lora-fa', '-s', '64', '-q']
    const { status, stdout } = await tidemark([...args, '--emit', 'peft'], { cwd: folder })
    assert.is(status, 0)
    assert.match(stdout, /peft: train\.py in launch-peft\nstart: cd launch-peft && python train\.py texts\.jsonl\n$/)
    assert.match(readFileSync(join(folder, 'launch-peft', 'train.py'), 'utf8'), /MODEL = "HuggingFaceTB\/SmolLM2-135M"/)
    const json = await tidemark([...args, '--emit', 'trl', '--emit-to', 'here', '--json'], { cwd: folder })
    EstimateResult.parse(JSON.parse(json.stdout))
    assert.equal(readdirSync(join(folder, 'here')).sort(), ['sft.yaml', 'train.py'])
    const wrong: [string[], RegExp][] = [
      [['--emit-to', 'x'], /--emit-to: belongs to --emit/],
      [['--emit', 'trl', '--layers', '2'], /starts the whole model/],
      [['--emit', 'torchtune'], /--emit torchtune: --method lora-fa/],
      [['--emit', 'axolotle'], /--emit: is "axolotle"; .* Did you mean axolotl\?/],
    ]
    for (const [more, told] of wrong) {
      const { status, stderr } = await tidemark([...args, ...more], { cwd: folder })
      assert.is(status, 2)
      assert.match(stderr, told)
    }
    mkdirSync(join(folder, 'm'))
    writeFileSync(join(folder, 'file'), '')
    assert.match(
      (await tidemark([...args, '--emit', 'peft', '--emit-to', 'file'], { cwd: folder })).stderr,
      /file is no folder/,
    )
    assert.equal(readdirSync(folder).sort(), ['file', 'here', 'launch-peft', 'm'])
  })
})

test('--check in a pipeline: exit 3 and one line, an annotation, or JUnit', async () => {
  const args = ['estimate', '--config', fixture('axolotl-lora.yaml'), '-s', '256', '--check', '-q', '--check-format']
  const text = await tidemark([...args, 'text', '--gpu', '2GiB'])
  assert.is(text.status, 3)
  assert.match(
    text.stdout,
    /^llama-3\.2-1b lora does not fit 2GiB: peak [\d.]+ GiB of 2\.00 GiB, .* too much \(.*\)\n$/,
  )
  const github = await tidemark([...args, 'github', '--gpu', '80GiB'])
  assert.is(github.status, 0)
  assert.match(github.stdout, /^::notice file=.*axolotl-lora\.yaml,title=GPU memory::llama-3\.2-1b lora fits 80GiB/)
  await inFolder(async (folder) => {
    const file = join(folder, 'memory.xml')
    const { status, stdout } = await tidemark([...args, 'junit', '--gpu', '2GiB', '-o', file])
    assert.equal([status, stdout], [3, ''])
    assert.match(readFileSync(file, 'utf8'), /^<\?xml[\s\S]*<failure type="does-not-fit"/)
  })
  const wrong = await tidemark(['estimate', 'smollm2-135m', '--check', '--check-format', 'junit', '--json'])
  assert.is(wrong.status, 2)
  assert.match(wrong.stderr, /--check: needs --gpu[\s\S]*--check-format: and --json are two outputs/)
})

test.run()

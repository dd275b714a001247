import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inFolder, type Outcome, tidemark } from './testing/binary.ts'

const estimate = (...args: string[]): Promise<Outcome> => tidemark(['estimate', 'smollm2-135m', ...args])

/** Refused as an input: exit 2, nothing on stdout, no stack, and each of the words. */
function refused({ status, stdout, stderr }: Outcome, ...words: readonly RegExp[]): void {
  assert.is(status, 2, stderr)
  assert.is(stdout, '')
  assert.not.match(stderr, /\n\s+at /)
  for (const word of words) assert.match(stderr, word)
}

test('a wrong flag is told with the nearest one', async () => {
  refused(await estimate('--rnak', '8'), /--rnak: is not a flag of estimate\. Did you mean --rank\?/)
})

test('numbers that are none, repeated flags, missing values and flags turned round', async () => {
  refused(await estimate('--rank', 'abc'), /--rank: is "abc"; expected an integer from 1/)
  refused(await estimate('--rank', '0x10'), /--rank: is "0x10"/)
  refused(await estimate('--rank', '1e400'), /--rank/)
  refused(await estimate('--rank', '8', '--rank', '9'), /--rank: was given 2 times/)
  refused(await estimate('--rank'), /--rank: needs a value/)
  refused(await estimate('--no-json'), /--no-json: is not a flag/)
  refused(await estimate('--dtype', 'bf16'), /--dtype: is "bf16"; expected one of float32, bfloat16, float16/)
})

test('everything that is wrong is told in one go', async () => {
  const outcome = await tidemark([
    'estimate',
    'smollm2-135n',
    '--rank',
    'x',
    '--gpu',
    '80',
    '--quantize',
    'int9',
    '--zero',
    'x',
  ])
  refused(outcome, /--rank/, /--gpu/, /--zero/, /model: .*Did you mean smollm2-135m/)
})

test('a GPU is a name or a size with its unit', async () => {
  refused(await estimate('--gpu', '80'), /without a unit\. Write 80GiB \(2\^30\) or 80GB \(10\^9\)/)
  refused(await estimate('--gpu', 'a100'), /several GPUs\. Say a100-80gb or a100-40gb/)
  refused(await estimate('--gpu', 'rtx4009'), /Did you mean rtx4090/)
})

test('what is not modelled is refused by name', async () => {
  refused(await estimate('--packing'), /--packing: is not modelled yet/)
  refused(
    await tidemark(['run', 'smollm2-135m', '--optimizer', 'adafactor']),
    /--optimizer: adafactor is predicted, and no engine here has it/,
  )
  refused(await tidemark(['run', 'mixtral-8x7b', '--layers', '1']), /mixtral is predicted, and no engine here has/)
  refused(await estimate('--tp', '3', '--target-modules', 'all-linear'), /--tp: PEFT 0\.21\.2 fails .* by rows: o_proj/)
  refused(await estimate('--method', 'full', '--tp', '3', '--gpus', '6'), /--gpus: is 6: 2 copies .* Say --gpus 3/)
  refused(await estimate('--tp', '3', '--method', 'full', '--law'), /--law: is not written for ranks that share layers/)
  refused(await estimate('--tp', '3', '--method', 'full', '--emit', 'peft'), /--emit peft: writes nothing that divides/)
  refused(await estimate('--pp', '2'), /--pp: a head tied to the embedding is not modelled/)
  refused(
    await tidemark(['estimate', 'llama-2-7b', '--pp', '4']),
    /--gradient-accumulation: is 1; 1F1B .* Say --gradient-accumulation 4 or more/,
  )
  for (const split of [
    ['--method', 'full', '--tp', '2'],
    ['--pp', '2', '--gradient-accumulation', '2'],
  ])
    refused(await tidemark(['plan', 'llama-2-7b', '--gpu', '24GiB', ...split]), /--[tp]p: is not searched: /)
  const experts = ['estimate', 'mixtral-8x7b', '--method', 'full', '--gpus', '8', '--zero', '3']
  refused(await tidemark(experts), /--zero: ZeRO is not modelled with experts/)
  refused(await estimate('--zero', '0'), /--zero: 0 is not modelled/)
  refused(
    await tidemark(['plan', 'smollm2-135m', '--gpu', '24GiB', '--gpus', '2', '--zero', '2']),
    /--zero: is not searched: .* compare --matrix take it/,
  )
})

test('targets that match nothing are refused with the linears there are', async () => {
  const outcome = await estimate('--target-modules', 'qproj')
  refused(outcome, /qproj matches no linear of smollm2-135m\. Did you mean q_proj\? Its linears: q_proj, k_proj/)
})

test('an unknown model, a missing file, a folder without a config', async () => {
  refused(await tidemark(['estimate', 'nope-nope']), /"nope-nope" is not in the catalog/)
  refused(await tidemark(['estimate', './nope.json']), /there is no file "\.\/nope\.json"/)
  refused(await tidemark(['estimate', 'org/model']), /not in the Hugging Face cache/)
  await inFolder(async (folder) => refused(await tidemark(['estimate', folder]), /has no config\.json/))
  refused(await tidemark(['estimate']), /needs a model/)
  refused(await tidemark(['estimate', 'a', 'b']), /b: is one word too many/)
  refused(await tidemark(['estmate', 'a']), /Did you mean estimate\?/)
})

test('hostile files: __proto__, a file too large, text that is no UTF-8', async () => {
  await inFolder(async (folder) => {
    const config = join(folder, 'config.json')
    writeFileSync(config, '{"__proto__": {"hidden_size": 1}, "model_type": "llama"}')
    refused(await tidemark(['estimate', config]), /config\.json:1:2 __proto__/)
    writeFileSync(config, '')
    truncateSync(config, 50 * 2 ** 20)
    refused(await tidemark(['estimate', config]), /has 52428800 bytes; expected at most/)
    writeFileSync(config, Buffer.from([0xff, 0xfe, 0x00]))
    refused(await tidemark(['estimate', config]), /is not text in UTF-8/)
  })
})

test('a setting file tells line and column, unknown keys and wrong values together', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'run.yaml')
    writeFileSync(file, 'rank: 8\nseq_lem: 12\nbatch_size: many\n')
    refused(
      await estimate('--config', file),
      /run\.yaml:2:1 seq_lem: .*Did you mean seq_len\?/,
      /run\.yaml:3:1 batch_size: is "many"/,
    )
    writeFileSync(file, 'seq_len: 9000\npacking: true\n')
    refused(await estimate('--config', file), /run\.yaml:2:1 packing: is not modelled/)
    writeFileSync(file, '__proto__: {rank: 3}\n')
    refused(await estimate('--config', file), /__proto__/)
  })
})

test('an output that cannot be written is refused before the work', async () => {
  await inFolder(async (folder) => {
    refused(await estimate('-o', join(folder, 'no', 'out.json')), /the folder .* does not exist/)
    mkdirSync(join(folder, 'out'))
    refused(await estimate('-o', join(folder, 'out')), /is a folder/)
  })
})

test('an engine computes in float32, and one that is not there exits 4', async () => {
  refused(
    await tidemark(['run', 'smollm2-135m', '--dtype', 'bfloat16']),
    /--dtype: is bfloat16; the wasm engine computes in float32/,
  )
  const { status, stderr } = await tidemark(['run', 'smollm2-135m', '--engine', 'webgpu'])
  assert.is(status, 4)
  assert.match(stderr, /webgpu is not there: not installed/)
})

test.run()

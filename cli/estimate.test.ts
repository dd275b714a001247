import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../models/index.ts'
import { DEFAULT_STACK, predict, resolveStack, worstRank } from '../planner/predict/index.ts'
import { EstimateResult } from '../planner/result/estimate.ts'
import { resolveTraining } from '../planner/training/resolve.ts'
import { cleanEnv, inFolder, tidemark } from './testing/binary.ts'

const COLOUR = '\u001b['

test('--json prints one document that its schema takes, and nothing on stderr when quiet', async () => {
  const { status, stdout, stderr } = await tidemark(['estimate', 'smollm2-135m', '--json', '--quiet'])
  assert.is(status, 0)
  assert.is(stderr, '')
  const result = EstimateResult.parse(JSON.parse(stdout))
  assert.is(result.input.model.name, 'smollm2-135m')
  assert.is(result.command, 'tidemark estimate smollm2-135m --json --quiet')
  assert.ok(result.input.assumptions.some((a) => a.what === 'rank' && a.value === '8'))
})

test('for people: the peak comes first, assumptions go to stderr', async () => {
  const { status, stdout, stderr } = await tidemark(['estimate', 'smollm2-135m', '--method', 'lora-fa', '-s', '128'])
  assert.is(status, 0)
  assert.match(stdout, /^smollm2-135m · LoRA-FA · 134\.5 M parameters/)
  assert.match(stdout, /\npeak +[\d.]+ MiB +backward/)
  assert.not.match(stdout, /assumed/)
  assert.match(stderr, /assumed:\n {2}batch-size 1 \(/)
})

test('a pipe gets no colour; FORCE_COLOR gives it; NO_COLOR and --no-color win', async () => {
  const args = ['estimate', 'smollm2-135m', '-s', '64', '-q']
  const coloured = async (env: NodeJS.ProcessEnv, more: string[] = []): Promise<boolean> =>
    (await tidemark([...args, ...more], { env: cleanEnv(env) })).stdout.includes(COLOUR)
  assert.not(await coloured({}))
  assert.ok(await coloured({ FORCE_COLOR: '1' }))
  assert.not(await coloured({ FORCE_COLOR: '1', NO_COLOR: '1' }))
  assert.not(await coloured({ FORCE_COLOR: '1' }, ['--no-color']))
})

test('a narrow terminal gets no line wider than itself', async () => {
  for (const command of [['estimate'], ['compare']]) {
    const env = cleanEnv({ COLUMNS: '50' })
    const { stdout } = await tidemark([...command, 'smollm2-135m', '-s', '64', '-q'], { env })
    for (const line of stdout.split('\n')) assert.ok([...line].length <= 50, line)
  }
})

test('--gpu with --check exits 3 where it does not fit, 0 where it does', async () => {
  const fits = await tidemark(['estimate', 'smollm2-135m', '-q', '--check', '--gpu', 'h200'])
  assert.is(fits.status, 0)
  assert.match(fits.stdout, /fits h200/)
  const not = await tidemark(['estimate', 'smollm2-135m', '-q', '--check', '--gpu', '100MiB', '--json'])
  assert.is(not.status, 3)
  assert.is(JSON.parse(not.stdout).result.fit.capacity_bytes, 100 * 2 ** 20)
})

test('flags win over the file of --config; the JSON of a result reads back as one', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'run.yaml')
    writeFileSync(file, 'method: lora-fa\nseq-len: 64\nrank: 4\ntarget_modules: [q_proj, k_proj]\n')
    const args = ['estimate', 'smollm2-135m', '--json', '-q']
    const first = await tidemark([...args, '--config', file, '--rank', '16'])
    const { training } = JSON.parse(first.stdout).input
    assert.is(training.rank, 16)
    assert.is(training.seq_len, 64)
    assert.equal(training.target_modules, ['q_proj', 'k_proj'])
    const again = join(folder, 'again.json')
    writeFileSync(again, JSON.stringify(training))
    const second = await tidemark([...args, '--config', again])
    assert.is(second.stderr, '')
    assert.equal(JSON.parse(second.stdout).input.training, training)
  })
})

test('-o writes the whole result and leaves nothing else', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'out.json')
    const { status, stdout } = await tidemark(['estimate', 'smollm2-135m', '--json', '-q', '-o', file])
    assert.is(status, 0)
    assert.is(stdout, '')
    EstimateResult.parse(JSON.parse(readFileSync(file, 'utf8')))
    assert.equal(readdirSync(folder), ['out.json'])
  })
})

test('a model comes from a folder, from standard input and from the Hugging Face cache', async () => {
  await inFolder(async (folder) => {
    const config = JSON.stringify({
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      vocab_size: 100,
    })
    writeFileSync(join(folder, 'config.json'), config)
    const args = ['--json', '-q', '-s', '8']
    const fromFolder = await tidemark(['estimate', folder, ...args])
    const fromPipe = await tidemark(['estimate', '-', ...args], { input: config })
    assert.is(fromFolder.status, 0)
    assert.is(fromPipe.status, 0)
    assert.is(JSON.parse(fromPipe.stdout).result.peak.bytes, JSON.parse(fromFolder.stdout).result.peak.bytes)
    assert.is(JSON.parse(fromPipe.stdout).input.model.source, 'standard input')
  })
})

test('LoRA dropout under LoRA-FA and dominating logits are told with their bytes', async () => {
  const args = ['estimate', 'smollm2-135m', '--method', 'lora-fa', '--lora-dropout', '0.1', '-s', '512', '--json', '-q']
  const { warnings } = JSON.parse((await tidemark(args)).stdout)
  assert.ok(warnings.some((w: string) => /lora-dropout 0\.1 keeps .*MiB/.test(w)))
  assert.ok(warnings.some((w: string) => /logits dominate the peak: .*MiB/.test(w)))
})

test('--law and --explain: the largest branch is the peak, the terms add up to it', async () => {
  const args = ['estimate', 'smollm2-135m', '--method', 'lora', '-b', '2', '-s', '64']
  const { result } = JSON.parse((await tidemark([...args, '--law', '--json', '-q'])).stdout)
  assert.is(result.law.maximum.branches[0].bytes, result.peak.bytes)
  const { stdout } = await tidemark([...args, '--law', '--explain', '--unit', 'B', '-q'], {
    env: cleanEnv({ COLUMNS: '100' }),
  })
  assert.match(stdout, /any t {2}backward · log_softmax backward/)
  const terms = stdout.slice(stdout.indexOf('alive at the peak'), stdout.indexOf('the peak is the largest'))
  const sum = [...terms.matchAll(/^ *(\d+) B /gm)].reduce((n, m) => n + Number(m[1]), 0)
  assert.is(sum, result.peak.bytes)
  assert.is(JSON.parse((await tidemark([...args, '--json', '-q'])).stdout).result.law.maximum, undefined)
})

test('a rank of several: its figures, who holds less, and the setting reads back', async () => {
  const args = ['estimate', 'llama-2-7b', '--method', 'lora-fa', '-s', '256', '--layers', '3', '--gpus', '8', '-q']
  const sharded = await tidemark([...args, '--fsdp', 'full_shard', '--gpu', 'rtx4090', '--json'])
  const { result, input } = EstimateResult.parse(JSON.parse(sharded.stdout))
  assert.equal([result.ranks?.gpus, result.ranks?.strategy, result.ranks?.worst], [8, 'full_shard', 0])
  assert.ok(result.ranks!.not_counted.some(({ what }) => /NCCL/.test(what)))
  const alone = EstimateResult.parse(JSON.parse((await tidemark([...args, '--json'])).stdout))
  assert.is(alone.result.ranks?.strategy, 'ddp')
  assert.is(result.optimizer_state_bytes * 8, alone.result.optimizer_state_bytes)
  const text = await tidemark([...args, '--fsdp', 'shard_grad_op'])
  assert.match(text.stdout, /8 GPUs shard_grad_op/)
  assert.match(text.stdout, /per rank, of 8, shard_grad_op; worst rank 0/)
  await inFolder(async (folder) => {
    const file = join(folder, 'setting.json')
    writeFileSync(file, JSON.stringify(input.training))
    const again = await tidemark(['estimate', 'llama-2-7b', '--config', file, '--gpu', 'rtx4090', '--json', '-q'])
    assert.equal(EstimateResult.parse(JSON.parse(again.stdout)).result, result, again.stderr)
  })
})

test('pieces of layers, and stages of a pipeline: the planner’s own number, whose it is, and the setting reads back', async () => {
  const stack = resolveStack(DEFAULT_STACK)
  const model = specFromCatalog('llama-2-7b', { layers: 3 })
  for (const [options, strategy, said] of [
    [{ method: 'full', tp: 2 }, 'tp_2', 'Of 2 devices (tp_2) the figures are those of the one that holds most, rank 0'],
    [
      { method: 'lora-fa', tp: 2 },
      'tp_2',
      'Of 2 devices (tp_2) the figures are those of the one that holds most, rank 0',
    ],
    [
      { method: 'lora-fa', pp: 2, gradient_accumulation: 3 },
      'pp_2 (1f1b)',
      'Of 2 devices (pp_2 (1f1b)) the figures are those of the one that holds most, stage 1',
    ],
  ] as const) {
    const { train } = resolveTraining(model, { ...options, seq_len: 64 }, { stack: stack.name })
    const flags = Object.entries(options).flatMap(([key, value]) => [`--${key.replace('_', '-')}`, `${value}`])
    const args = ['estimate', 'llama-2-7b', '--layers', '3', '-s', '64', ...flags]
    await inFolder(async (folder) => {
      const page = join(folder, 'page.html')
      const { stdout, stderr } = await tidemark([...args, '--json', '-q', '--report', page])
      const { input, result } = EstimateResult.parse(JSON.parse(stdout || stderr))
      const { train: worst, ranks } = worstRank(model, train, stack)
      const planned = predict(model, worst, stack)
      assert.equal([result.peak, result.step, result.saved], [planned.peak, planned.step, planned.saved])
      assert.equal([result.ranks, result.ranks?.strategy, input.training.gpus], [ranks, strategy, 2])
      assert.ok(readFileSync(page, 'utf8').includes(said))
      const file = join(folder, 'setting.json')
      writeFileSync(file, JSON.stringify(input.training))
      const again = await tidemark(['estimate', 'llama-2-7b', '--config', file, '--json', '-q'])
      assert.equal(EstimateResult.parse(JSON.parse(again.stdout)).result, result, again.stderr)
    })
  }
  const text = await tidemark(['estimate', 'llama-2-7b', '-s', '64', '--pp', '4', '--gradient-accumulation', '4', '-q'])
  assert.match(text.stdout, /6\.74 B parameters .* 4 GPUs pp_4 \(1f1b\)/s)
  assert.match(text.stdout, /per rank, of 4, pp_4 \(1f1b\); worst stage 0, stage \d holds .* less/)
  assert.match(text.stdout, /stages 0: 8 layers [\d.]+ GiB, 1: 8 layers/)
})

test('a file of accelerate answers for its ranks; FSDP 1 is refused by name', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'accelerate.yaml')
    const config = 'distributed_type: FSDP\nmixed_precision: bf16\nnum_processes: 4\nfsdp_config:\n'
    const policy = '  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n  fsdp_offload_params: true\n'
    writeFileSync(file, `${config}${policy}  fsdp_version: 2\n`)
    const args = ['estimate', 'smollm2-135m', '-s', '64', '--config', file, '--json', '-q']
    const { stdout, stderr } = await tidemark(args)
    const { input, result } = EstimateResult.parse(JSON.parse(stdout || stderr))
    const { gpus, fsdp, fsdp_wrap, autocast } = input.training
    assert.equal([gpus, fsdp, fsdp_wrap, autocast], [4, 'full_shard offload', 'layers', 'bfloat16'])
    assert.equal([result.static.parameters_bytes, result.optimizer_state_bytes], [0, 0])
    const pieces = 'distributed_type: MULTI_GPU\nnum_processes: 3\nparallelism_config:\n'
    writeFileSync(file, `${pieces}  parallelism_config_tp_size: 3\n`)
    const divided = await tidemark([...args, '--method', 'full'])
    const { input: shared, result: rank } = EstimateResult.parse(JSON.parse(divided.stdout || divided.stderr))
    assert.equal([shared.training.gpus, shared.training.tp, rank.ranks?.strategy], [3, 3, 'tp_3'])
    writeFileSync(file, `${config}${policy}`)
    const refused = await tidemark(args)
    assert.is(refused.status, 2)
    assert.match(refused.stderr, /FSDP 1, whose flat parameters are not modelled/)
  })
})

test.run()

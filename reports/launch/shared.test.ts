import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type FlagKey, HARDWARE_FLAGS, SETTING_FLAGS } from '../../cli/flags.ts'
import { readSettingsFile } from '../../cli/settings/file.ts'
import { mergeFiles } from '../../cli/settings/files.ts'
import { inFolder } from '../../cli/testing/binary.ts'
import { type LaunchCase, launchCases } from '../../cli/testing/launch-cases.ts'
import { specFromCatalog } from '../../models/index.ts'
import { DEFAULT_STACK } from '../../planner/predict/index.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import type { TrainingOptions } from '../../planner/training/options.ts'
import { resolveTraining } from '../../planner/training/resolve.ts'
import { emit, type LauncherName } from './index.ts'

const model = specFromCatalog('llama-3.2-1b')
const settingOf = (options: TrainingOptions) => resolveTraining(model, options, { stack: DEFAULT_STACK }).setting

/** What a tool itself read in a file (fixtures/record/launch.py). */
interface Proof {
  readonly id: string
  readonly num_processes?: number
  readonly zero?: Readonly<Record<string, unknown>>
  readonly fsdp?: Readonly<Record<string, unknown>>
}

const proofs: Proof[] = readFileSync(
  fileURLToPath(new URL('../../../fixtures/launch/proof.jsonl', import.meta.url)),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

/** A case's setting in the words of the tool's own classes. */
function expected({ train, training }: LaunchCase) {
  const data = train.parallelism?.data
  if (data?.kind === 'fsdp')
    return {
      version: 2,
      reshard: data.reshard,
      offload: data.offload,
      wraps: data.wrap === 'layers',
      mixed_precision: training.autocast === 'bfloat16' ? 'bf16' : 'no',
      replicas: data.replicas,
    }
  if (data?.kind !== 'zero') return undefined
  return {
    stage: data.stage,
    dtype: data.dtype,
    offload_optimizer: data.optimizerPlace,
    offload_param: data.parameterPlace,
    clips: data.clips,
    optimizer: data.optimizer === 'deepspeed' ? 'adamw' : null,
    reduce_bucket_size: data.reduceBucket,
    overlap_comm: data.overlapComm,
    contiguous_gradients: data.contiguousGradients,
    reduce_scatter: data.reduceScatter,
    use_multi_rank_bucket_allreduce: data.multiRankReduce,
    round_robin_gradients: data.roundRobin,
    ...(data.stage === 3
      ? {
          prefetch_bucket_size: data.stage3.prefetchBucket,
          param_persistence_threshold: data.stage3.persistence,
          max_live_parameters: data.stage3.maxLive,
          max_reuse_distance: data.stage3.maxReuse,
          sub_group_size: data.stage3.subGroup,
        }
      : {}),
  }
}

test("DeepSpeed's and accelerate's own classes read in the files what was predicted", () => {
  let read = 0
  for (const one of launchCases()) {
    const proof = proofs.find(({ id }) => id === one.id)!
    if (proof.num_processes !== undefined) assert.is(proof.num_processes, one.training.gpus ?? 1, one.id)
    const shared = expected(one)
    assert.equal(proof.zero ?? proof.fsdp, shared, one.id)
    if (shared) read++
  }
  assert.ok(read >= 10)
})

const subset = <T>(of: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...of])
const zero = fc.constantFrom(1, 2, 3).chain((stage) =>
  fc.record({
    zero: fc.constant(stage),
    zero_offload: subset(stage === 3 ? (['optimizer', 'parameters'] as const) : (['optimizer'] as const)),
    zero_options: subset([
      'reduce_bucket_size=20000000',
      'overlap_comm=true',
      'contiguous_gradients=false',
      'gradient_clipping=0',
      'optimizer=AdamW',
      ...(stage === 3 ? ['sub_group_size=50000000', 'stage3_max_live_parameters=0'] : ['round_robin_gradients=true']),
    ]),
  }),
)
const fsdp = fc.record({
  fsdp: fc.constantFrom(
    'full_shard',
    'shard_grad_op',
    'full_shard offload',
    'hybrid_shard',
    'hybrid_shard_zero2 offload',
  ),
  fsdp_wrap: fc.constantFrom('layers', 'none'),
  gpus_per_node: fc.constantFrom(2, 4),
})
const settings = fc
  .record({
    how: fc.oneof(
      fc.tuple(fc.constantFrom('deepspeed', 'accelerate'), zero),
      fc.tuple(fc.constantFrom('fsdp', 'accelerate'), fsdp),
      fc.tuple(fc.constant('accelerate'), fc.constant({})),
    ),
    gpus: fc.constantFrom(8, 16),
    method: fc.constantFrom('full', 'lora', 'lora-fa'),
    dtype: fc.constantFrom('float32', 'bfloat16'),
    autocast: fc.constantFrom('none', 'bfloat16'),
    batch_size: fc.integer({ min: 1, max: 4 }),
    gradient_accumulation: fc.integer({ min: 1, max: 4 }),
    optimizer_impl: fc.constantFrom('fused', 'foreach'),
    seq_len: fc.constantFrom(64, 512),
  })
  .map(({ how: [tool, shared], ...rest }) => ({
    tool: tool as LauncherName,
    options: { ...rest, ...shared } as TrainingOptions,
  }))

/** The setting that the emitted files say, by tidemark's own readers; what no file of the tool has a word for is typed. */
async function readBack(tool: LauncherName, training: ReturnType<typeof settingOf>) {
  const { files } = emit(tool, { model: 'meta-llama/Llama-3.2-1B', training })
  return inFolder(async (folder) => {
    const options = {
      allowed: ['method', ...SETTING_FLAGS, ...HARDWARE_FLAGS] as FlagKey[],
      command: 'estimate',
      skip: [],
    }
    const read = []
    for (const { name, text } of files.filter(({ name }) => !name.endsWith('.py'))) {
      writeFileSync(join(folder, name), text)
      read.push(await readSettingsFile(join(folder, name), options))
    }
    const typed = {
      ...(training.method === 'lora-fa' ? { method: 'lora-fa' } : {}),
      // the number of devices stands on DeepSpeed's command line
      ...(tool === 'deepspeed' ? { gpus: training.gpus } : {}),
    }
    const { values, problems } = mergeFiles(read, typed)
    assert.equal(problems, [])
    return settingOf({ ...values, ...typed } as TrainingOptions)
  })
}

test('the files of --emit deepspeed, fsdp and accelerate read back as the same setting', async () => {
  await fc.assert(
    fc.asyncProperty(settings, async ({ tool, options }) => {
      const training = settingOf(options)
      assert.equal(sorted(await readBack(tool, training)), sorted(training))
    }),
    { numRuns: 150 },
  )
})

const sorted = (o: object) => Object.fromEntries(Object.entries(o).sort())

test('a tool that does not start a setting refuses it', () => {
  const refusal = (tool: LauncherName, options: TrainingOptions): string => {
    try {
      emit(tool, { model: 'meta-llama/Llama-3.2-1B', training: settingOf(options) })
      return ''
    } catch (error) {
      if (error instanceof Refusal) return `${error.message} ${error.next}`
      throw error
    }
  }
  assert.match(refusal('deepspeed', {}), /--zero is missing: .* Say --gpus N --zero 2/)
  assert.match(refusal('fsdp', { gpus: 2 }), /--fsdp is missing/)
  assert.match(refusal('trl', { gpus: 2 }), /--gpus 2: it starts one process Say --emit accelerate or torchrun/)
  assert.match(refusal('peft', { gpus: 2, zero: 2 }), /--zero 2 is not what it starts Say --emit deepspeed/)
  assert.match(refusal('axolotl', { gpus: 2, fsdp: 'full_shard' }), /--fsdp is not what it starts/)
  assert.match(refusal('torchrun', { gpus: 2, ddp_bucket_views: true }), /--ddp-bucket-views has no name/)
  assert.match(refusal('trl', { fused_loss: 'liger' }), /--fused-loss liger is not written for it/)
  assert.is(refusal('torchrun', { gpus: 2 }), '')
})

test.run()

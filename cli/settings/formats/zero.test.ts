import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../../models/index.ts'
import { objectSource } from '../../../models/source.ts'
import { DEFAULT_STACK } from '../../../planner/predict/index.ts'
import type { Parallelism } from '../../../planner/training/parallelism.ts'
import { resolveTraining } from '../../../planner/training/resolve.ts'
import { type DeepSpeedFile, zeroOf } from '../../../planner/training/zero.ts'
import { type FlagKey, HARDWARE_FLAGS, SETTING_FLAGS } from '../../flags.ts'
import { readSettingsFile } from '../file.ts'
import { mergeFiles } from '../files.ts'
import { deepspeed } from './deepspeed.ts'
import { readFormat } from './read.ts'

const options = { allowed: ['method', ...SETTING_FLAGS, ...HARDWARE_FLAGS] as FlagKey[], command: 'estimate', skip: [] }
const model = specFromCatalog('smollm2-135m')
const HIDDEN = 576

const rankOf = (values: Readonly<Record<string, unknown>>): Parallelism | undefined =>
  resolveTraining(model, values, { stack: DEFAULT_STACK }).train.parallelism

/** `key: value` with any of the values, or without the key. */
const maybe = <T>(values: readonly T[]): fc.Arbitrary<T | undefined> => fc.constantFrom(undefined, ...values)
const SIZES = [0, 1000, 5e8, 'auto'] as const
const offload = maybe([{ device: 'cpu', pin_memory: true }, { device: 'none' }])
const files = fc
  .record({
    bf16: maybe([{ enabled: true }]),
    gradient_clipping: maybe([0, 0.3, 1, 'auto' as const]),
    optimizer: maybe([{ type: 'AdamW' }]),
    zero: fc.record({
      stage: fc.constantFrom(1, 2, 3),
      reduce_bucket_size: maybe(SIZES),
      stage3_prefetch_bucket_size: maybe(SIZES),
      stage3_param_persistence_threshold: maybe(SIZES),
      stage3_model_persistence_threshold: maybe(SIZES),
      stage3_max_live_parameters: maybe(SIZES),
      stage3_max_reuse_distance: maybe(SIZES),
      sub_group_size: maybe([1e9, 20_000]),
      contiguous_gradients: maybe([true, false, 'auto']),
      overlap_comm: maybe([true, false, 'auto']),
      reduce_scatter: maybe([true, false]),
      round_robin_gradients: maybe([true, false]),
      use_multi_rank_bucket_allreduce: maybe([true, false]),
      offload_optimizer: offload,
      offload_param: offload,
    }),
  })
  // as JSON has it: without what is not there
  .map(({ zero, ...file }): DeepSpeedFile => JSON.parse(JSON.stringify({ ...file, zero_optimization: zero })))

/** What no stage but the third looks at. */
const effective = (data: ReturnType<typeof zeroOf>) => ({
  ...data,
  ...(data.stage === 3 ? {} : { stage3: null, parameterPlace: 'device' }),
  ...(data.stage === 3 ? { reduceScatter: null, multiRankReduce: null, roundRobin: null } : {}),
})

test("a file of DeepSpeed is the setting that the recorded rows read off it, and that setting's words are it again", () => {
  fc.assert(
    fc.property(files, (file) => {
      const { values, problems } = readFormat(deepspeed, objectSource('ds.json', file), options)
      assert.equal(problems, [])
      const given = { method: 'lora', dtype: 'float32', gpus: 4, ...values } as const
      const { train, setting } = resolveTraining(model, given, { stack: DEFAULT_STACK })
      const data = train.parallelism!.data
      assert.is(data.kind, 'zero')
      const expected = zeroOf(file, { hidden: HIDDEN, bf16: false, fp16: false, clipping: 1 })
      if (data.kind === 'zero') assert.equal(effective(data), effective(expected))
      assert.equal(rankOf(setting), train.parallelism)
    }),
    { numRuns: 500 },
  )
})

const read = async (name: string, more = {}) =>
  readSettingsFile(fileURLToPath(new URL(`../../../../fixtures/configs/${name}`, import.meta.url)), {
    ...options,
    ...more,
  })

test('files of DeepSpeed and accelerate, typed', async () => {
  const typed = {
    'deepspeed-zero3-offload.json': {
      zero: 3,
      gpus: 4,
      zero_offload: ['optimizer', 'parameters'],
      zero_options: [
        'contiguous_gradients=true',
        'overlap_comm=true',
        'stage3_param_persistence_threshold=1000000',
        'sub_group_size=100000000',
        'gradient_clipping=0',
        'optimizer=AdamW',
      ],
    },
    'deepspeed-zero2.json': {
      zero: 2,
      zero_options: ['reduce_bucket_size=500000000', 'contiguous_gradients=true', 'overlap_comm=true'],
    },
    'accelerate-zero.yaml': {
      zero: 2,
      gpus: 4,
      zero_offload: ['optimizer'],
      zero_options: ['reduce_bucket_size=500000000'],
    },
  }
  for (const [name, said] of Object.entries(typed)) {
    const { values, problems } = mergeFiles([await read(name)], {})
    assert.equal(problems, [], name)
    const { zero, gpus, zero_offload, zero_options } = values
    assert.equal(JSON.parse(JSON.stringify({ zero, gpus, zero_offload, zero_options })), said, name)
    assert.ok(rankOf({ ...values, gpus: 4, batch_size: 1, gradient_checkpointing: 'none' }))
  }
})

test('what DeepSpeed does and is not modelled is refused at its place', () => {
  const refusals = (file: object): string[] =>
    readFormat(deepspeed, objectSource('ds.json', file), options).problems.map(
      ({ where, message }) => `${where} ${message}`,
    )
  const stage = { stage: 3 }
  for (const [file, told] of [
    [{ zero_optimization: { stage: 0 } }, /^ds\.json.*stage is no stage of ZeRO/],
    [{ train_micro_batch_size_per_gpu: 1 }, /is no stage of ZeRO/],
    [{ zero_optimization: { ...stage, offload_optimizer: { device: 'nvme' } } }, /offload_optimizer\.device is nvme/],
    [
      { zero_optimization: { ...stage, offload_optimizer: { device: 'cpu', ratio: 0.3 } } },
      /ratio .*part of the state/,
    ],
    [{ zero_optimization: { ...stage, zero_hpz_partition_size: 8 } }, /a second partition/],
    [{ zero_optimization: stage, optimizer: { type: 'OneBitAdam' } }, /own optimizer is not modelled/],
    [
      {
        zero_optimization: stage,
        train_batch_size: 10,
        train_micro_batch_size_per_gpu: 4,
        gradient_accumulation_steps: 2,
      },
      /train_batch_size is 10; expected a multiple of 4 × 2/,
    ],
  ] as const) {
    const found = refusals(file)
    assert.is(found.length, 1, JSON.stringify([file, found]))
    assert.match(found[0]!, told)
  }
})

test('what is typed of ZeRO is checked, and belongs to it', () => {
  const refused = (values: Readonly<Record<string, unknown>>): string => {
    try {
      rankOf({ gpus: 2, ...values })
      return ''
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
  }
  assert.match(refused({ zero_offload: ['optimizer'] }), /belongs to --zero/)
  assert.match(refused({ zero: 2, zero_offload: ['parameters'] }), /at stage 3 alone/)
  assert.match(refused({ zero: 2, zero_options: ['sub_group_size=1000'] }), /no key that counts at stage 2/)
  assert.match(refused({ zero: 3, zero_options: ['sub_group_size=many'] }), /is not sub_group_size=a number/)
  assert.match(refused({ zero: 3, zero_options: ['overlap_comm=1'] }), /is not overlap_comm=true or false/)
  assert.match(refused({ zero: 1, zero_options: ['overlap_comm=true', 'overlap_comm=true'] }), /twice/)
  assert.match(refused({ zero: 3, zero_options: ['memory_efficient_linear=false'] }), /views of weights stay/)
  assert.is(refused({ zero: 3, zero_options: ['reduce_bucket_size=5e8'] }), '')
})

test.run()

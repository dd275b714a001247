import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromConfig } from '../../models/index.ts'
import type { TraceEvent } from '../trace/event.ts'
import { PHASES } from '../trace/event.ts'
import { firstStep, isAfterStep, Replay, steadyStep } from '../trace/reading.ts'
import { resolveTraining } from '../training/resolve.ts'
import { type DeepSpeedFile, zeroOf } from '../training/zero.ts'
import { simulate } from './simulate.ts'
import { resolveStack } from './stack.ts'

type Figures = Readonly<Record<string, number>>
interface Row {
  readonly case: {
    readonly id: string
    readonly model: { readonly arch: string; readonly [key: string]: unknown }
    readonly method: 'full' | 'lora' | 'lora-fa'
    readonly dtype: 'float32' | 'bfloat16' | 'float16'
    readonly attention: 'eager' | 'sdpa'
    readonly batch: number
    readonly seq: number
    readonly accumulation?: number
    readonly world: number
    readonly rank: number
    readonly adapter?: { readonly r: number; readonly targets: readonly string[] }
    readonly config: DeepSpeedFile
  }
  readonly base: number
  readonly first_step: Figures
  readonly step: Figures
}

const file = new URL('../../../fixtures/deepspeed/steps.jsonl', import.meta.url)
const rows: Row[] = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

const AUTO = { hidden: 0, bf16: false, fp16: false, clipping: 1 }

function traceOf({ case: c }: Row): readonly TraceEvent[] {
  const stack = resolveStack('torch-2.13+transformers-5.23')
  const { arch, ...config } = c.model
  const model = specFromConfig({ architectures: [arch], torch_dtype: c.dtype, ...config }, { name: c.id })
  const options = {
    method: c.method,
    dtype: c.dtype,
    attention: c.attention,
    batch_size: c.batch,
    seq_len: c.seq,
    gradient_accumulation: c.accumulation ?? 1,
    optimizer_impl: 'fused',
    ...(c.adapter ? { rank: c.adapter.r, lora_alpha: 2 * c.adapter.r, target_modules: c.adapter.targets } : {}),
  } as const
  const { train } = resolveTraining(model, options, { stack: stack.name })
  const parallelism = { gpus: c.world, rank: c.rank, data: zeroOf(c.config, AUTO) }
  return simulate(model, { ...train, parallelism }, stack.dialect, { library: stack.library }).events
}

/** A step's peaks and ends above what lies there before the first. What a phase begins with counts to its peak. */
function figuresOf(events: readonly TraceEvent[], base: number): Figures {
  const replay = new Replay()
  const found: Record<string, number> = {}
  for (const e of events) {
    const before = replay.bytes - base
    replay.apply(e)
    if (e.phase === 'static' || isAfterStep(e)) continue
    const above = replay.bytes - base
    found[`${e.phase}_peak`] = Math.max(found[`${e.phase}_peak`] ?? before, above)
    found[`${e.phase}_end`] = above
  }
  return found
}

test("every recorded rank's peaks and ends, to the byte", () => {
  const off: string[] = []
  for (const row of rows) {
    const events = traceOf(row)
    const first = firstStep(events)
    for (const [label, recorded, step] of [
      ['first', row.first_step, first],
      ['steady', row.step, steadyStep(events)],
    ] as const) {
      const got = figuresOf(step, row.base)
      for (const phase of PHASES)
        for (const figure of ['peak', 'end']) {
          const key = `${phase}_${figure}`
          if (got[key] !== recorded[key])
            off.push(`${row.case.id}: ${label} ${key} ${(got[key] ?? 0) - (recorded[key] ?? 0)} of ${recorded[key]}`)
        }
    }
  }
  console.log(`# ${rows.length} recorded ranks`)
  assert.is(off.join('\n'), '')
  assert.ok(rows.length >= 56)
})

test('the rows span the three stages, first and last ranks, and the host', () => {
  const has = (is: (c: Row['case']) => boolean): boolean => rows.some((r) => is(r.case))
  for (const stage of [1, 2, 3])
    assert.ok(
      has((c) => c.config.zero_optimization.stage === stage),
      `${stage}`,
    )
  assert.ok(has((c) => c.rank === c.world - 1 && c.world > 2))
  assert.ok(has((c) => c.config.zero_optimization.offload_optimizer !== undefined))
})

test("what `auto` becomes is the Trainer's, from the model's width", () => {
  const file: DeepSpeedFile = {
    bf16: { enabled: 'auto' },
    zero_optimization: {
      stage: 3,
      reduce_bucket_size: 'auto',
      stage3_prefetch_bucket_size: 'auto',
      stage3_param_persistence_threshold: 'auto',
    },
  }
  const zero = zeroOf(file, { hidden: 4096, bf16: true, fp16: false, clipping: 1 })
  assert.is(zero.dtype, 'bfloat16')
  assert.is(zero.reduceBucket, 16_777_216)
  assert.is(zero.stage3.prefetchBucket, 15_099_494)
  assert.is(zero.stage3.persistence, 40_960)
})

test.run()

import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ModelError, specFromConfig } from '../../models/index.ts'
import { foldScope } from '../trace/scope.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { DEFAULT_STACK, predict, resolveStack } from './index.ts'

interface PhaseRow {
  readonly [figure: string]: number
}
interface Row {
  readonly case: {
    readonly id: string
    readonly model: { readonly arch: string; readonly [key: string]: unknown }
    readonly method: 'full' | 'lora' | 'lora-fa'
    readonly dtype: 'float32' | 'bfloat16' | 'float16'
    readonly attention: 'eager' | 'sdpa'
    readonly batch: number
    readonly seq: number
    readonly target_seq?: number
    readonly autocast?: boolean
    readonly mask?: boolean
    readonly checkpointing?: 'none' | 'reentrant' | 'nonreentrant'
    readonly optimizer?: 'adamw' | 'sgd' | 'lorafa'
    readonly optimizer_impl?: 'foreach' | 'fused' | 'loop'
    readonly quantize?: { readonly bits: number; readonly double?: boolean; readonly prepare?: boolean }
    readonly adapter?: {
      readonly r: number
      readonly alpha?: number
      readonly targets: readonly string[]
      readonly dropout?: number
      readonly upcast?: boolean
      readonly dora?: boolean
      readonly rslora?: boolean
      readonly modules_to_save?: readonly string[]
    }
  }
  readonly base: number
  readonly peak: number
  readonly saved_bytes: number
  readonly saved: readonly {
    readonly where: string
    readonly bytes: number
    readonly count: number
    readonly dtype: string
  }[]
  readonly first_step: PhaseRow
  readonly step: PhaseRow
  readonly stack: { readonly transformers: string }
}

const folder = new URL('../../../fixtures/pytorch/', import.meta.url)
const rows: Row[] = readdirSync(folder)
  .filter((f) => f.endsWith('.jsonl'))
  .sort()
  .flatMap((f) => readFileSync(new URL(f, folder), 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line))
const current = rows.filter((r) => r.stack.transformers.startsWith('5.'))

/** The recorded case as the flags of the command line. */
function optionsOf(c: Row['case']): TrainingOptions {
  const { adapter: a, quantize: q } = c
  const checkpointing = { none: 'none', reentrant: 'reentrant', nonreentrant: 'non-reentrant' } as const
  const impl = { foreach: 'foreach', fused: 'fused', loop: 'for-loop' } as const
  const optimizer = c.optimizer ?? 'adamw'
  return {
    method: c.method,
    dtype: c.dtype,
    attention: c.attention,
    batch_size: c.batch,
    seq_len: c.seq,
    autocast: c.autocast ? 'bfloat16' : 'none',
    padding: c.mask === true,
    gradient_checkpointing: checkpointing[c.checkpointing ?? 'none'],
    optimizer,
    ...(c.target_seq === undefined ? {} : { target_seq_len: c.target_seq }),
    ...(optimizer === 'adamw' ? { optimizer_impl: impl[c.optimizer_impl ?? 'foreach'] } : {}),
    ...(q ? { quantize: q.double ? 'nf4-double' : 'nf4', prepare_kbit: q.prepare === true } : {}),
    ...(a
      ? {
          rank: a.r,
          lora_alpha: a.alpha ?? 2 * a.r,
          lora_dropout: a.dropout ?? 0,
          target_modules: [...a.targets],
          adapter_dtype: a.upcast === false ? 'base' : 'float32',
          use_dora: a.dora === true,
          use_rslora: a.rslora === true,
          ...(a.modules_to_save ? { modules_to_save: [...a.modules_to_save] } : {}),
        }
      : {}),
  }
}

/** Differences in bytes by figure. The recorder counts AdamW's step scalars, which live on the host: 4 bytes a tensor. */
function differences(row: Row): string[] | 'unknown architecture' {
  const { arch, ...config } = row.case.model
  let model: ReturnType<typeof specFromConfig>
  try {
    model = specFromConfig({ architectures: [arch], torch_dtype: row.case.dtype, ...config }, { name: row.case.id })
  } catch (e) {
    if (e instanceof ModelError) return 'unknown architecture'
    throw e
  }
  const { train } = resolveTraining(model, optionsOf(row.case), { stack: DEFAULT_STACK })
  const body = predict(model, train, resolveStack(DEFAULT_STACK))
  const { static: s } = body
  const base = s.parameters_bytes + s.quantization_bytes + s.buffers_bytes + s.inputs_bytes
  const scalars =
    row.case.optimizer === 'lorafa' || row.case.optimizer === 'sgd' ? 0 : 4 * body.parameters.trainable_tensors
  const off: string[] = []
  const hold = (name: string, got: number, want: number, host: number) => {
    if (got + host !== want) off.push(`${name} ${got + host - want} of ${want}`)
  }
  hold('static', base, row.base, 0)
  for (const [label, recorded, step] of [
    ['first', row.first_step, body.first_step],
    ['steady', row.step, body.step],
  ] as const) {
    for (const phase of ['forward', 'backward', 'optimizer'] as const) {
      for (const figure of ['peak', 'end'] as const) {
        const made = label === 'steady' || phase === 'optimizer' ? scalars : 0
        const got = step[phase][`${figure}_bytes`] - base
        const want = recorded[`${phase}_${figure}`] ?? Number.NaN
        // An optimizer's peak is counted with the scalars that it makes on its way: up to all of them.
        const slack = phase === 'optimizer' && figure === 'peak' ? CRUMBS + scalars : 0
        if (Math.abs(got + made - want) <= slack) continue
        hold(`${label} ${phase} ${figure}`, got, want, made)
      }
    }
  }
  const compared = (row.case.checkpointing ?? 'none') === 'none' && !row.case.quantize
  if (compared) hold('saved', body.saved_bytes, row.saved_bytes, 0)
  return off
}

/** torch/optim/adamw.py makes one number on the way (`lift_fresh`, 4 bytes). */
const CRUMBS = 4

test('every figure of every recorded step, to the byte', () => {
  const outcome = { exact: 0, unknown: 0, off: [] as string[] }
  for (const row of current) {
    const off = differences(row)
    if (off === 'unknown architecture') outcome.unknown++
    else if (off.length === 0) outcome.exact++
    else outcome.off.push(`${row.case.id}: ${off.join(' · ')}`)
  }
  console.log(`# ${outcome.exact} of ${current.length} rows exact, ${outcome.unknown} of families that are refused`)
  assert.is(outcome.off.join('\n'), '')
  assert.ok(outcome.exact >= 77)
})

test('the table of saved tensors, module by module', () => {
  let compared = 0
  for (const row of current) {
    const { case: c } = row
    if ((c.checkpointing ?? 'none') !== 'none' || c.quantize) continue
    const { arch, ...config } = c.model
    let model: ReturnType<typeof specFromConfig>
    try {
      model = specFromConfig({ architectures: [arch], torch_dtype: c.dtype, ...config }, { name: c.id })
    } catch {
      continue
    }
    const { train } = resolveTraining(model, optionsOf(c), { stack: DEFAULT_STACK })
    const body = predict(model, train, resolveStack(DEFAULT_STACK))
    const sums = (list: readonly { where: string; bytes: number; count: number; dtype: string }[]) => {
      const by = new Map<string, number>()
      for (const s of list) {
        const key = `${s.where} ${s.dtype} ${s.bytes}`
        by.set(key, (by.get(key) ?? 0) + s.count)
      }
      return [...by].map(([k, n]) => `${n} × ${k}`).sort()
    }
    const place = (where: string) => (where === 'base_model.model' || where === 'base_model' ? '' : foldScope(where))
    const want = sums(row.saved.map((s) => ({ ...s, where: place(s.where) })))
    const got = sums(body.saved.map((s) => ({ ...s, where: s.scope })))
    assert.equal(got, want, c.id)
    compared++
  }
  assert.ok(compared >= 50)
})

test.run()

import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ModelError } from '../../models/index.ts'
import { foldScope } from '../trace/scope.ts'
import { predict, type Stack } from './index.ts'
import { type Recorded, settingOfRow, stackOfRow } from './rows.test.cases.ts'

const folder = new URL('../../../fixtures/pytorch/', import.meta.url)
const rows: Recorded[] = readdirSync(folder)
  .filter((f) => f.endsWith('.jsonl'))
  .sort()
  .flatMap((f) => readFileSync(new URL(f, folder), 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line))

/** The setting; null for an architecture that is refused. */
function known(row: Recorded, stack: Stack): ReturnType<typeof settingOfRow> | null {
  const { modelTypes } = stack.library
  if (modelTypes && !modelTypes.has(`${row.case.model.model_type}`)) return null
  try {
    return settingOfRow(row.case, stack.name)
  } catch (e) {
    if (e instanceof ModelError) return null
    throw e
  }
}

/** Differences in bytes by figure. The recorder counts AdamW's step scalars, which live on the host: 4 bytes a tensor. */
function differences(row: Recorded): string[] | 'unknown architecture' {
  const stack = stackOfRow(row)
  const setting = known(row, stack)
  if (!setting) return 'unknown architecture'
  const body = predict(setting.model, setting.train, stack)
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
  for (const row of rows) {
    const off = differences(row)
    if (off === 'unknown architecture') outcome.unknown++
    else if (off.length === 0) outcome.exact++
    else outcome.off.push(`${row.case.id}: ${off.join(' · ')}`)
  }
  console.log(`# ${outcome.exact} of ${rows.length} rows exact, ${outcome.unknown} of families that are refused`)
  assert.is(outcome.off.join('\n'), '')
  assert.ok(outcome.exact >= 390)
})

test('the table of saved tensors, module by module', () => {
  let compared = 0
  for (const row of rows) {
    const { case: c } = row
    if ((c.checkpointing ?? 'none') !== 'none' || c.quantize) continue
    const stack = stackOfRow(row)
    const setting = known(row, stack)
    if (!setting) continue
    const body = predict(setting.model, setting.train, stack)
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
  assert.ok(compared >= 140)
})

test.run()

import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CompareResult } from '../../planner/result/compare.ts'
import type { RunResult } from '../../planner/result/run.ts'
import type { StudyResult } from '../../planner/result/study.ts'
import type { TraceEvent } from '../../planner/trace/event.ts'
import { renderChromeTrace, renderCsv, renderMarkdown } from '../index.ts'

const golden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/golden/${name}.json`, import.meta.url), 'utf8'))

/** A reader of RFC 4180, to check the writer by. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
    else if (end === '') break
  }
  return rows.filter((r) => r.length > 1)
}

test('the csv has the result’s integers, and its parts add up', () => {
  const result = golden<CompareResult>('compare')
  const [head, ...rows] = readCsv(renderCsv(result))
  const of = (row: string[], column: string) => row[head!.indexOf(column)]
  assert.ok(rows.every((r) => r.length === head!.length))
  for (const { estimate } of result.result.methods) {
    for (const table of ['peak part', 'alive at peak']) {
      const sums = new Map<string, number>()
      for (const r of rows.filter((r) => of(r, 'table') === table))
        sums.set(of(r, 'method')!, (sums.get(of(r, 'method')!) ?? 0) + Number(of(r, 'bytes')))
      assert.ok([...sums.values()].includes(estimate.peak.bytes), table)
    }
  }
  assert.ok(rows.some((r) => of(r, 'kind') === 'measured'))
})

test('text in the csv is neither a formula nor a column more', () => {
  const result = golden<CompareResult>('compare')
  result.result.methods[0]!.estimate.saved[0]!.scope = '=HYPERLINK("x","y")'
  const rows = readCsv(renderCsv(result))
  assert.ok(rows.every((r) => r.length === rows[0]!.length))
  assert.ok(rows.flat().includes('\'=HYPERLINK("x","y")'))
})

test('the csv of a study has every point of every run, and each run’s own figures once', () => {
  const { result, ...about } = golden<StudyResult>('study')
  const diverged = { ...result.runs[0]!, diverged_at: 7 }
  const [head, ...rows] = readCsv(renderCsv({ ...about, result: { ...result, diverged: [diverged] } }))
  const of = (row: string[], column: string) => row[head!.indexOf(column)]
  assert.is(rows.length, result.runs.reduce((sum, run) => sum + run.curve.length, 0) + 1)
  const whole = rows.filter((r) => of(r, 'peak_bytes') !== '')
  assert.equal(
    whole.map((r) => [of(r, 'method'), Number(of(r, 'validation_loss')), Number(of(r, 'peak_bytes'))]),
    result.runs.map((r) => [r.method, r.validation.loss, r.peak_bytes]),
  )
  assert.is(of(rows.at(-1)!, 'diverged_at'), '7')
})

test('the markdown of a study says its answer, each row and each cell of the sweep', () => {
  const study = golden<StudyResult>('study')
  const text = renderMarkdown(study)
  for (const row of study.result.summary) assert.ok(text.includes(` | ${row.validation_loss.toFixed(4)} ± `))
  for (const row of study.result.rows.filter((r) => r.rank !== null))
    assert.ok(text.includes(row.validation_loss.toFixed(4)))
  assert.match(text, /^\*\*/m)
})

test('markdown holds the figures, and hostile names end no table and no code', () => {
  const result = golden<RunResult>('run')
  result.input.model.name = 'x | <img> `y` [z](javascript:0)'
  result.command = 'tidemark ```\nrm'
  const text = renderMarkdown(result)
  assert.ok(text.includes('x \\| \\<img\\> \\`y\\` \\[z\\](javascript:0)'))
  assert.ok(text.includes('````sh\ntidemark ```\nrm\n````'))
  const table = text.split('\n').filter((line) => line.startsWith('| '))
  assert.ok(table.length > 5)
  const row = result.result.executed.measured.tiers[0]!
  assert.ok(text.includes(String(row.measured_bytes).replace(/\B(?=(\d{3})+(?!\d))/g, ' ')))
})

const at = (seq: number, scope: string, op: string, storage: number, bytes: number) =>
  ({ seq, step: 0, phase: 'forward', scope, op, storage, bytes }) as const
const tensor = { axes: [], dtype: 'float32', device: 'device', category: 'temporary' } as const
const events: TraceEvent[] = [
  { ...at(0, 'model.layers.0.mlp', 'linear', 1, 64), action: 'alloc', ...tensor },
  { ...at(1, 'model.layers.0.mlp', 'silu', 2, 64), action: 'alloc', ...tensor },
  { ...at(2, 'model.layers.0.mlp', 'silu', 1, 64), action: 'save', why: 'd self', axes: [], dtype: 'float32' },
  { ...at(3, '', 'loss', 2, 64), action: 'free' },
]

test('a chrome trace nests its slices, counts live bytes by category, and owns up that it has no clock', () => {
  const trace = JSON.parse(renderChromeTrace(events))
  const slices = trace.traceEvents.filter((e: { ph: string }) => e.ph === 'X')
  const named = (name: string) => slices.find((s: { name: string }) => s.name === name)
  assert.equal([named('layers.0').ts, named('layers.0').dur], [1, 3])
  assert.equal([named('silu').ts, named('silu').dur], [2, 2])
  assert.equal([named('loss').ts, named('loss').dur], [4, 1])
  const counters = trace.traceEvents.filter((e: { ph: string }) => e.ph === 'C')
  assert.equal(
    counters.map((c: { args: Record<string, number> }) => c.args['saved activations']),
    [0, 0, 0, 64, 64],
  )
  assert.equal(
    counters.map((c: { args: Record<string, number> }) => c.args.temporaries),
    [0, 64, 128, 64, 0],
  )
  assert.match(trace.otherData.clock, /number of the event/)
})

test('predicted and measured stand as two processes', () => {
  const sources = [
    { name: 'predicted', events },
    { name: 'measured', events },
  ]
  const trace = JSON.parse(renderChromeTrace(sources))
  assert.equal([...new Set(trace.traceEvents.map((e: { pid: number }) => e.pid))], [1, 2])
})

test.run()

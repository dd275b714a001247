import type { MethodView } from '../view/method.ts'
import type { ProofView } from '../view/proof.ts'
import { isStep, isStudy, type Reportable, type ReportResult, viewOf } from '../view-model.ts'
import { planRows } from './plan-rows.ts'
import { studyRows } from './study-rows.ts'

const COLUMNS = [
  'table',
  'method',
  'stack',
  'kind',
  'tier',
  'phase',
  'scope',
  'op',
  'category',
  'formula',
  'count',
  'bytes',
] as const
type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>

/** All figures as one long table (RFC 4180), a figure a row, `bytes` always the whole of the row as an integer; of a study a run a row, of a plan a setting or a change. */
export function renderCsv(result: Reportable): string {
  if (!isStep(result)) {
    const { columns, rows } = isStudy(result) ? studyRows(result) : planRows(result)
    return csv(columns, rows)
  }
  return csv(COLUMNS, memoryRows(result))
}

function csv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | undefined>>[],
): string {
  const lines = rows.map((row) => columns.map((c) => field(row[c] ?? '')).join(','))
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}

function memoryRows(result: ReportResult): Row[] {
  const view = viewOf(result)
  return [
    ...view.methods.flatMap((m) => methodRows(m, view.stack)),
    ...view.savings.flatMap((s) =>
      s.rows.map((r) => ({
        table: 'saving',
        method: `${s.of} against ${s.against}`,
        stack: view.stack,
        kind: 'simulated',
        tier: 'saved',
        scope: r.scope,
        formula: r.monomial,
        count: r.count,
        bytes: r.total,
      })),
    ),
    ...view.proofs.flatMap(proofRows),
  ]
}

function methodRows(m: MethodView, stack: string): Row[] {
  const base = { method: m.name, stack, kind: 'simulated', tier: 'live' }
  const phases = (rows: MethodView['steady'], table: string) =>
    rows.map((p) => ({ ...base, table, phase: `${p.phase} peak`, scope: p.scope, op: p.at, bytes: p.peak }))
  return [
    ...phases(m.first, 'first step'),
    ...phases(m.steady, 'steady step'),
    ...m.peak.parts.map((p) => ({ ...base, table: 'peak part', category: p.group, bytes: p.bytes })),
    ...m.alive.map((a) => ({
      ...base,
      table: 'alive at peak',
      scope: a.scope,
      op: a.op,
      category: a.category,
      formula: a.monomial,
      count: a.count,
      bytes: a.total,
    })),
    ...m.savedRows.map((s) => ({
      ...base,
      table: 'saved',
      tier: 'saved',
      scope: s.scope,
      op: s.op,
      formula: s.monomial,
      count: s.count,
      bytes: s.total,
    })),
  ]
}

function proofRows(p: ProofView): Row[] {
  const base = { table: 'executed', method: p.method.name, stack: p.stack }
  return p.rows.flatMap((r) => {
    const at = { ...base, tier: r.tier, phase: r.phase }
    const measured = { ...at, kind: 'measured', bytes: r.measured }
    return r.predicted === null ? [measured] : [{ ...at, kind: 'simulated', bytes: r.predicted }, measured]
  })
}

/** A text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets hide. */
function field(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

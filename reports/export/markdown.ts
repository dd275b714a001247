import { formatBytes } from '../../planner/trace/bytes.ts'
import { GROUPS, PALETTE } from '../palette.ts'
import type { BarsView } from '../view/bars.ts'
import type { MatrixView } from '../view/matrix.ts'
import { planView } from '../view/plan.ts'
import type { ProofView } from '../view/proof.ts'
import type { SavingView } from '../view/saving.ts'
import { studyView } from '../view/study.ts'
import { isPlan, isStudy, type Reportable, type ReportView, viewOf } from '../view-model.ts'
import { changeWords, columnBytes, digits } from '../words.ts'
import { code, fence, table, text } from './markdown-text.ts'
import { planMarkdown } from './plan-markdown.ts'
import { studyMarkdown } from './study-markdown.ts'

/** The report's text and tables in GitHub's Markdown, for an issue or a pull request. */
export function renderMarkdown(result: Reportable): string {
  if (isStudy(result)) return studyMarkdown(studyView(result))
  if (isPlan(result)) return planMarkdown(planView(result))
  const view = viewOf(result)
  const blocks = [
    `## ${text(view.title)}`,
    `${text(view.model)} · ${text(view.setting)}  \n${text(view.stack)}`,
    [`**${text(view.answer.lead)}**`, ...view.answer.more.map(text)].join('\n\n'),
    `### Parts of the peak\n\nLive bytes, simulated for ${text(view.stack)}.\n\n${partsTable(view.bars)}`,
    ...view.savings.slice(0, 1).map(savingBlock),
    view.matrix === null ? '' : matrixBlock(view.matrix),
    `### Peak of each phase\n\nLive bytes of a steady step, simulated.\n\n${phaseTable(view)}`,
    ...view.proofs.map(proofBlock),
    assumptions(view),
    `### Reproduce\n\n${fence(view.reproduce.command)}`,
    view.warnings.length === 0 ? '' : `### Warnings\n\n${view.warnings.map((w) => `- ${text(w)}`).join('\n')}`,
    `*${text(view.tool)}*`,
  ]
  return `${blocks.filter((b) => b !== '').join('\n\n')}\n`
}

function partsTable(bars: BarsView): string {
  const groups = GROUPS.filter((g) => bars.rows.some((r) => r.parts.some((p) => p.group === g && p.bytes > 0)))
  const rows = bars.rows.map((r) => [
    text(r.name),
    ...groups.map((g) => columnBytes(r.parts.find((p) => p.group === g)?.bytes ?? 0, bars.unit)),
    `**${formatBytes(r.total, bars.unit)}**`,
    text(r.at),
  ])
  return table(['method', ...groups.map((g) => PALETTE[g].label), 'peak', 'at'], rows)
}

function savingBlock(s: SavingView): string {
  const rows = s.rows.map((r) => [code(r.scope), code(r.monomial), String(r.count), formatBytes(r.total), text(r.why)])
  const change = `Saved ${changeWords(s.saved.before, s.saved.after)}, peak ${changeWords(s.peak.before, s.peak.after)}.`
  const head = `### What ${text(s.of)} drops against ${text(s.against)}\n\n${text(s.reason)} ${change}`
  return rows.length === 0 ? head : `${head}\n\n${table(['module', 'one', 'count', 'together', 'kept for'], rows)}`
}

function matrixBlock({ methods, rows, unit, recomputation }: MatrixView): string {
  const cells = rows.map((r) => [text(r.way), ...r.peaks.map((n) => (n === null ? '—' : columnBytes(n, unit)))])
  const head = '### What LoRA-FA combines with\n\nPeak of live tensors, simulated; one thing changed at a time.'
  return [
    head,
    table(['combined with', ...methods.map(text)], cells),
    recomputation === null ? '' : text(recomputation),
  ]
    .filter((b) => b !== '')
    .join('\n\n')
}

function phaseTable({ methods }: ReportView): string {
  const rows = methods.map((m) => [text(m.name), ...m.steady.map((p) => `${formatBytes(p.peak)} at ${code(p.at)}`)])
  return table(['method', 'forward', 'backward', 'optimizer'], rows)
}

function proofBlock(p: ProofView): string {
  const rows = p.rows.map((r) => [
    r.tier,
    text(r.phase),
    r.predicted === null ? 'not predicted' : digits(r.predicted, ' '),
    digits(r.measured, ' '),
    r.difference === null ? '' : String(r.difference),
    r.proved ? '✓ equal' : r.verdict,
  ])
  const checks = p.checks.map((c) => `- ${c.passed ? '✓' : '✗'} ${c.what}${c.detail === '' ? '' : ` (${c.detail})`}`)
  return [
    `### Executed: ${text(p.method.name)} on ${text(p.engine)}`,
    `${text(p.setting)}; ${text(p.stack)}; predicted (simulated) before the run, then measured, in bytes.`,
    table(['tier', 'instant', 'predicted', 'measured', 'difference', 'verdict'], rows),
    checks.join('\n'),
    p.notExercised.length === 0 ? '' : `Not exercised: ${p.notExercised.map(text).join('; ')}.`,
  ]
    .filter((b) => b !== '')
    .join('\n\n')
}

function assumptions({ assumptions: all }: ReportView): string {
  if (all.length === 0) return ''
  return `### Assumed\n\n${table(
    ['what', 'value', 'from'],
    all.map((a) => [code(a.what), text(a.value), text(a.from)]),
  )}`
}

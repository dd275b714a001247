import type { CompareResult, MethodResult } from '../../planner/result/compare.ts'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { TierRow } from '../../planner/result/run.ts'
import { rankName } from '../../reports/view/ranks.ts'
import { type Page, placed } from './estimate.ts'
import { type HeaderFacts, headerParts } from './header.ts'
import { methodName } from './names.ts'
import { change, grouped, plural } from './numbers.ts'
import { notExercised } from './run.ts'
import { table } from './table.ts'
import { drawTimeline } from './timeline.ts'
import { wrap, wrapParts } from './wrap.ts'

/** What is shown of one method: a prediction, and what was measured of that same prediction. */
interface Shown {
  readonly method: string
  readonly body: EstimateBody
  readonly tiers: readonly TierRow[] | null
}

export interface Tables {
  /** The prediction for the real stack. */
  readonly estimate: HeaderFacts
  /** The runs' own setting, where there were runs. */
  readonly executed: HeaderFacts | null
}

/** Methods side by side: the prediction for the stack, then, where it ran, the run's own prediction with what was measured. */
export function compareText(result: CompareResult['result'], about: Tables, page: Page): string {
  const { methods } = result
  const predicted = methods.map((m) => ({ method: m.method, body: m.estimate, tiers: null }))
  const executed = methods.flatMap(executedOf)
  const sections = [
    section(predicted, about.estimate, page),
    ...(about.executed && executed.length > 0 ? [section(executed, about.executed, page)] : []),
  ]
  const last = methods.at(-1)?.executed
  if (last) sections.push(notExercised(last, page).join('\n'))
  const because = dropped(result, about.estimate, page)
  return [...sections, because === '' ? '' : wrap(because, page.width)].filter((s) => s !== '').join('\n\n')
}

const executedOf = ({ method, executed }: MethodResult): Shown[] =>
  executed ? [{ method, body: executed.predicted, tiers: executed.measured.tiers }] : []

function section(shown: readonly Shown[], about: HeaderFacts, page: Page): string {
  const { width, paint } = page
  const kind = shown.some((s) => s.tiers) ? 'predicted and measured' : 'predicted'
  const columns = [
    { head: '', align: 'left' as const },
    ...shown.map((s) => ({ head: paint.bold(methodName(s.method)), align: 'right' as const })),
    ...(shown.length > 1 ? [{ head: '', align: 'right' as const }] : []),
  ]
  const head = wrapParts([...headerParts(about), kind], width, '  ')
  const body = width < 60 ? narrow(shown, page) : table(columns, rows(shown, page), width)
  return [head, body, '', ...timelines(shown, page)].join('\n')
}

/** `rank 0 of 8` */
const worstOf = ({ body: { ranks } }: Shown): string =>
  ranks ? `${rankName(ranks, ranks.worst)} of ${ranks.gpus}` : ''

function rows(shown: readonly Shown[], page: Page): string[][] {
  const { bytes } = page
  const cells = (label: string, of: (s: Shown) => string, delta = ''): string[] => [
    label,
    ...shown.map(of),
    ...(shown.length > 1 ? [delta] : []),
  ]
  const measured = (tier: TierRow['tier'], phaseOf: (s: Shown) => string): string[][] =>
    shown.some((s) => s.tiers) ? [cells('  measured', (s) => measuredCell(s, tier, phaseOf(s), page))] : []
  const ranks = shown.some((s) => s.body.ranks) ? [cells('worst', worstOf)] : []
  return [
    ...ranks,
    cells('trainable', (s) => grouped(s.body.parameters.trainable)),
    cells(
      'saved',
      (s) => bytes(s.body.saved_bytes),
      lastAgainstBefore(shown, (b) => b.saved_bytes),
    ),
    ...measured('saved', () => 'forward end'),
    cells(
      'peak',
      (s) => bytes(s.body.peak.bytes),
      lastAgainstBefore(shown, (b) => b.peak.bytes),
    ),
    ...measured('live', (s) => `${s.body.peak.phase} peak`),
    cells('  at', (s) => s.body.peak.phase),
    cells('', (s) => shortened(s.body.peak.op)),
    ...fitRows(shown, page, cells),
  ]
}

/** What each method needs of the device and whether it has it. */
function fitRows(
  shown: readonly Shown[],
  { bytes, paint }: Page,
  cells: (label: string, of: (s: Shown) => string, delta?: string) => string[],
): string[][] {
  const gpu = shown[0]?.body.fit?.gpu
  if (gpu === undefined) return []
  const needs = (body: EstimateBody): number => body.fit?.needs_bytes ?? body.peak.bytes
  const answer = ({ body }: Shown): string => (body.fit?.fits ? paint.green('fits') : paint.red('does not fit'))
  return [cells('needs', (s) => bytes(needs(s.body)), lastAgainstBefore(shown, needs)), cells(`  ${gpu}`, answer)]
}

/** The operation alone: `log_softmax backward` is `log_softmax`, since the phase stands above it. */
const shortened = (op: string): string => op.replace(/ (backward|forward)$/, '').slice(0, 24)

/** A method after another: for a terminal too narrow for columns. */
function narrow(shown: readonly Shown[], page: Page): string {
  return shown
    .map((s) => {
      const own = rows([s], page).map(([label, value]) => `  ${label?.padEnd(11)} ${value}`)
      return [page.paint.bold(methodName(s.method)), ...own].join('\n')
    })
    .join('\n')
}

/** ✓ stands for a measurement that equals its own prediction to the byte, and for nothing else. */
function measuredCell({ tiers }: Shown, tier: TierRow['tier'], phase: string, { bytes, paint }: Page): string {
  const row = tiers?.find((t) => t.tier === tier && t.phase === phase)
  if (!row) return ''
  const mark = row.verdict === 'equal' ? paint.green('✓') : row.verdict === 'differs' ? paint.red('✗') : ' '
  return `${bytes(row.measured_bytes)} ${mark}`
}

/** How the last method stands against the one before it: LoRA-FA against LoRA. */
function lastAgainstBefore(shown: readonly Shown[], of: (body: EstimateBody) => number): string {
  const [before, last] = [shown.at(-2), shown.at(-1)]
  return before && last ? change(of(before.body), of(last.body)) : ''
}

function timelines(shown: readonly Shown[], { width, paint, bytes }: Page): string[] {
  const top = Math.max(...shown.map((s) => s.body.peak.bytes))
  const label = 9
  const columns = Math.max(10, Math.min(96, width - label))
  return shown.flatMap((s) => {
    const drawn = drawTimeline(s.body.timeline, { width: columns, rows: 2, top })
    const lines = drawn.lines.map(
      (l, i) => `${(i === drawn.lines.length - 1 ? methodName(s.method) : '').padEnd(label)}${paint.cyan(l.trimEnd())}`,
    )
    return [
      ...lines.map((l) => l.trimEnd()),
      `${' '.repeat(label)}${placed(drawn.mark, bytes(s.body.peak.bytes), columns)}`,
    ]
  })
}

/** Why LoRA-FA keeps less than LoRA. */
function dropped({ savings }: CompareResult['result'], about: HeaderFacts, { bytes }: Page): string {
  const saving = savings.find((s) => s.of === 'lora-fa' && s.against === 'lora')
  if (!saving || saving.saved_bytes <= 0) return ''
  const each = eachInput(about)
  // a stage has some of the linears, and several micro-batches under way
  const inputs =
    about.setting.pp === undefined
      ? `the inputs of ${about.adapted.count} adapted linears`
      : 'inputs of its adapted linears'
  const storages = saving.because.reduce((n, b) => n + b.count, 0)
  const sum = `${plural(storages, 'tensor')}, ${bytes(saving.saved_bytes)}`
  return `LoRA-FA drops ${inputs}: ${each} bytes each (dA is not needed, so X is not): ${sum}.`
}

/** The input of an adapted linear: PEFT's float32 copy, or the base's own type. */
function eachInput({ setting }: HeaderFacts): string {
  const wide = setting.adapter_dtype === 'float32' || setting.dtype === 'float32'
  return `${wide ? 4 : 2}·${setting.batch_size === 1 ? '' : 'b·'}t·d_in`
}

import type { StudyResult, StudyRow } from '../../planner/result/study.ts'
import { verdictWords } from '../../reports/view/verdict.ts'
import type { Page } from './estimate.ts'
import { table } from './table.ts'
import { wrap } from './wrap.ts'

/** A study for people: whether LoRA-FA learns as LoRA does, then method by method. */
export function studyText({ input, result }: StudyResult, page: Page): string {
  const { width, bytes } = page
  const classifies = result.summary.some((row) => row.accuracy !== null)
  const columns = [
    { head: 'method', align: 'left' },
    { head: 'rate', align: 'right' },
    { head: 'validation loss', align: 'right' },
    { head: 'test loss', align: 'right' },
    ...(classifies ? [{ head: 'accuracy', align: 'right' } as const] : []),
    { head: 'peak', align: 'right' },
    { head: 'a step', align: 'right' },
    { head: 'trains', align: 'right' },
  ] as const
  const rows = result.summary.map((row) => [
    nameOf(row),
    String(row.learning_rate),
    spread(row.validation_loss, row.validation_spread),
    spread(row.test_loss, row.test_spread),
    ...(classifies ? [percent(row)] : []),
    bytes(row.peak_bytes),
    `${(1000 * row.seconds_per_step).toFixed(0)} ms`,
    row.trainable.toLocaleString('en-US'),
  ])
  const seeds = Math.max(0, ...result.summary.map((row) => row.seeds))
  const about = `${input.model.name}  ·  ${result.task}  ·  ${result.data.corpus}  ·  ${result.steps} steps  ·  ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`
  return [
    wrap(about, width, '  '),
    '',
    ...result.verdicts.map((v) => wrap(verdictWords(v), width, '  ')),
    ...notes(result).map((note) => wrap(note, width, '  ')),
    '',
    table([...columns], rows, width),
    '',
    wrap(`base: ${result.base.source}; validation loss ${result.base.validation.loss.toFixed(4)} before`, width, '  '),
    wrap(`engine: ${result.engine}; peaks and times are measured there`, width, '  '),
  ].join('\n')
}

/** What a reader must know to take the figures for what they are. */
function notes({ data: { majority }, diverged }: StudyResult['result']): string[] {
  return [
    ...(majority === null
      ? []
      : [`to name the commonest class always: ${(100 * majority.test).toFixed(1)} % of the test part`]),
    ...(diverged.length === 0 ? [] : [`${diverged.length} trainings broke off, since their loss was no number`]),
  ]
}

const nameOf = ({ method, rank }: StudyRow): string => (rank === null ? method : `${method} r${rank}`)

const spread = (mean: number, deviation: number | null): string =>
  deviation === null ? mean.toFixed(4) : `${mean.toFixed(4)} ± ${deviation.toFixed(4)}`

function percent({ accuracy, accuracy_spread: deviation }: StudyRow): string {
  if (accuracy === null) return ''
  const mean = `${(100 * accuracy).toFixed(1)} %`
  return deviation === null ? mean : `${mean} ± ${(100 * deviation).toFixed(1)}`
}

import { bestRows, type Ended, rowsOf } from '../study/summary.ts'
import { verdictsOf } from '../study/verdict.ts'
import { grouped, table } from './markdown.ts'

/** A study as `fixtures/study` keeps it: the first line says what it was, a line each of its runs follows, without their curves. */
export interface RecordedStudy {
  readonly command: string
  readonly engine: string
  /** Loss before any adaptation, nats. */
  readonly base: number
  readonly runs: readonly Ended[]
}

/** @param text lines of JSON, the study's own first */
export function readStudy(text: string): RecordedStudy {
  const [head, ...runs] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { ...head, runs }
}

const MIB = 2 ** 20
const loss = (value: number): string => value.toFixed(4)
const plusMinus = (mean: number, spread: number | null): string =>
  spread === null ? loss(mean) : `${loss(mean)} ± ${loss(spread)}`
const percent = (mean: number, spread: number | null): string =>
  `${(100 * mean).toFixed(1)}${spread === null ? '' : ` ± ${(100 * spread).toFixed(1)}`} %`
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${loss(Math.abs(value))}`
const nameOf = ({ method, rank }: { method: string; rank: number | null }): string =>
  rank === null ? method : `${method} r${rank}`

const WORDS = {
  within: 'is within the seed spread of LoRA',
  better: 'is better than LoRA by more than the seed spread',
  worse: 'is worse than LoRA by more than the seed spread',
} as const

/** The methods side by side, each at its best rate, and how LoRA-FA stands to LoRA. */
export function methodsOf({ command, engine, base, runs }: RecordedStudy): string {
  const best = bestRows(rowsOf(runs))
  const classifies = best.some((r) => r.accuracy !== null)
  const rows = best.map((r) => [
    nameOf(r),
    String(r.learning_rate),
    plusMinus(r.validation_loss, r.validation_spread),
    plusMinus(r.test_loss, r.test_spread),
    ...(classifies ? [percent(r.accuracy ?? 0, r.accuracy_spread)] : []),
    `${(r.peak_bytes / MIB).toFixed(2)} MiB`,
    `${Math.round(1000 * r.seconds_per_step)} ms`,
    grouped(r.trainable),
  ])
  const head = ['method', 'rate', 'validation', 'test', ...(classifies ? ['accuracy'] : []), 'peak', 'a step', 'trains']
  const verdicts = verdictsOf(best).map(({ method, rank, difference, spread, verdict }) =>
    verdict === null
      ? `- \`${method}\` at rank ${rank}: ${signed(difference)}, of one seed`
      : `- \`${method}\` at rank ${rank} ${WORDS[verdict]}: ${signed(difference)} ± ${loss(spread ?? 0)}`,
  )
  const numbers = head.map((_, i) => i).slice(1)
  return `\`${command}\` (${engine}). The base has a validation loss of ${loss(base)}.

${table(head, rows, numbers)}

${verdicts.join('\n')}`
}

/** Validation loss by rank and learning rate, the best of a line in bold, and by how much LoRA-FA's best differs from LoRA's. */
export function sweepOf({ command, engine, base, runs }: RecordedStudy): string {
  const rows = rowsOf(runs)
  const rates = [...new Set(rows.map((r) => r.learning_rate))].sort((a, b) => a - b)
  const best = bestRows(rows)
  const lines = best.map((b) => [
    nameOf(b),
    ...rates.map((rate) => {
      const cell = rows.find((r) => r.method === b.method && r.rank === b.rank && r.learning_rate === rate)
      if (!cell) return ''
      const said = plusMinus(cell.validation_loss, cell.validation_spread)
      return cell === b ? `**${said}**` : said
    }),
  ])
  const verdicts = verdictsOf(best)
  const methods = [...new Set(verdicts.map((v) => v.method))]
  const ranks = [...new Set(verdicts.map((v) => v.rank))]
  const differences = methods.map((method) => [
    method,
    ...ranks.map((rank) => {
      const found = verdicts.find((v) => v.method === method && v.rank === rank)
      if (!found) return ''
      return found.spread === null ? signed(found.difference) : `${signed(found.difference)} ± ${loss(found.spread)}`
    }),
  ])
  const numbers = (of: readonly unknown[]): number[] => of.map((_, i) => i + 1)
  return `\`${command}\` (${engine}). The base has a validation loss of ${loss(base)}.

${table(['method, rank', ...rates.map(String)], lines, numbers(rates))}

Each rank at its best rate, against LoRA's best at that rank (positive: behind):

${table(['', ...ranks.map((r) => `r ${r}`)], differences, numbers(ranks))}`
}

/** What is computed of the page, by name. @param read the lines of a study in `fixtures/study` */
export const studyParts = (read: (name: string) => string): Readonly<Record<string, string>> => ({
  decoder: methodsOf(readStudy(read('decoder'))),
  encoder: methodsOf(readStudy(read('encoder'))),
  'encoder-decoder': methodsOf(readStudy(read('encoder-decoder'))),
  'encoder-rates': sweepOf(readStudy(read('encoder-rates'))),
  sweep: sweepOf(readStudy(read('sweep'))),
})

const END = '<!-- end -->'

/**
 * The page with each computed part written anew: what stands between `<!-- computed: NAME -->` and the next end.
 *
 * @throws Error where the page has no place for a part
 */
export function studyPage(page: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const begin = `<!-- computed: ${name} -->`
    const from = text.indexOf(begin)
    const to = text.indexOf(END, from)
    if (from < 0 || to < 0) throw new Error(`docs/study.md has no ${begin} … ${END}`)
    return `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`
  }, page)
}

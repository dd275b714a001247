import type { Divergence, StudyRow } from '../../planner/result/study.ts'
import type { HeatMap } from '../charts/heat-map.ts'
import { methodName } from '../words.ts'
import { loss } from './verdict.ts'

/** A method's validation loss by rank and learning rate. */
export interface SweepGrid {
  readonly method: string
  readonly name: string
  readonly ranks: readonly number[]
  readonly rates: readonly number[]
  readonly cells: readonly SweepCell[]
  /** The best of all cells; null where none has ended. */
  readonly best: SweepCell | null
}

export interface SweepCell {
  readonly rank: number
  readonly rate: number
  /** Mean over seeds; null where a seed diverged. */
  readonly loss: number | null
  readonly words: string
}

/**
 * A grid a method that has several ranks or learning rates; the same ranks and rates in each, so that grids can be read across.
 *
 * @param rows of every method, rank and learning rate
 */
export function sweepOf(rows: readonly StudyRow[], diverged: readonly Divergence[]): SweepGrid[] {
  const tried = [...rows, ...diverged].flatMap(({ method, rank, learning_rate: rate }) =>
    rank === null ? [] : [{ method, rank, rate }],
  )
  const values = (pick: (t: (typeof tried)[number]) => number) => [...new Set(tried.map(pick))].sort((a, b) => a - b)
  const [ranks, rates] = [values((t) => t.rank), values((t) => t.rate)]
  const methods = [...new Set(tried.map((t) => t.method))]
  // each method at a rate of its own is no sweep
  const swept = methods.some((m) => new Set(tried.filter((t) => t.method === m).map((t) => t.rate)).size > 1)
  if (!swept) return []
  return methods.map((method) => {
    const cells = ranks.flatMap((rank) => rates.flatMap((rate) => cellOf(rows, diverged, { method, rank, rate }) ?? []))
    const ended = cells.filter((c) => c.loss !== null)
    const best = ended.length === 0 ? null : ended.reduce((a, b) => (b.loss! < a.loss! ? b : a))
    return { method, name: methodName(method), ranks, rates, cells, best }
  })
}

function cellOf(
  rows: readonly StudyRow[],
  diverged: readonly Divergence[],
  { method, rank, rate }: { readonly method: string; readonly rank: number; readonly rate: number },
): SweepCell | null {
  const here = (r: StudyRow | Divergence) => r.method === method && r.rank === rank && r.learning_rate === rate
  if (diverged.some(here)) return { rank, rate, loss: null, words: 'diverged' }
  const row = rows.find(here)
  if (row === undefined) return null
  return { rank, rate, loss: row.validation_loss, words: loss(row.validation_loss) }
}

/** The grids as a heat map, all on one scale from the base's loss, no colour, to the best of all. */
export function heatOf(sweep: readonly SweepGrid[], before: number): HeatMap {
  const ended = sweep.flatMap((g) => g.cells.flatMap((c) => c.loss ?? []))
  const best = Math.min(before, ...ended)
  return {
    across: 'learning rate, by rank',
    grids: sweep.map((g) => ({
      title: g.name,
      rows: g.ranks.map((r) => `r${r}`),
      columns: g.rates.map(String),
      cells: g.cells.map((c) => ({
        row: g.ranks.indexOf(c.rank),
        column: g.rates.indexOf(c.rate),
        strength: c.loss === null || best === before ? 0 : (before - c.loss) / (before - best),
        label: c.words,
        marked: c === g.best,
      })),
    })),
  }
}

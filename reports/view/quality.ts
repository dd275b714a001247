import type { StudyRow } from '../../planner/result/study.ts'
import { nameOf } from './curves.ts'

/** A method at a rank: what it needs and what it reaches. */
export interface QualityPoint {
  readonly method: string
  readonly rank: number | null
  readonly name: string
  /** The rank alone, for where the colour already says the method. */
  readonly short: string
  /** Of its method's ranks the smallest. */
  readonly first: boolean
  readonly bytes: number
  /** What is the better the lower: of a study the mean validation loss, of a plan the relative time. */
  readonly loss: number
  /** Standard deviation; null of one seed. */
  readonly spread: number | null
}

export const qualityPoints = (summary: readonly StudyRow[]): QualityPoint[] =>
  summary.map((row) => ({
    method: row.method,
    rank: row.rank,
    name: nameOf(row),
    short: row.rank === null ? nameOf(row) : `r${row.rank}`,
    first: summary.every((r) => r.method !== row.method || (r.rank ?? 0) >= (row.rank ?? 0)),
    bytes: row.peak_bytes,
    loss: row.validation_loss,
    spread: row.validation_spread,
  }))

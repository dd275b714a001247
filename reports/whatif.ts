import type { Alive } from '../planner/result/estimate.ts'
import type { ReportResult } from './view-model.ts'

/** One thing that a reader may change, named as the flag is. */
export interface Control {
  /** `batch_size`, as in the JSON. */
  readonly key: string
  readonly label: string
  readonly kind: 'number' | 'choice' | 'many' | 'text'
  /** What may be said (`choice`, `many`), or what is suggested (`text`). */
  readonly choices: readonly string[]
  /** What holds in the result as it was written; lists are apart by commas. */
  readonly value: string
}

/** What a reader changed: values as a command line writes them, by key. */
export type Changes = Readonly<Record<string, string>>

/** Why a setting cannot be predicted, in the planner's words. */
export interface Told {
  readonly where: string
  readonly message: string
  readonly next: string
}

export type Recomputed =
  | { readonly ok: true; readonly result: ReportResult }
  | { readonly ok: false; readonly problems: readonly Told[] }

/** The planner as a page sees it, handed in by whoever builds the page. */
export interface WhatIf {
  readonly controls: readonly Control[]
  /**
   * The result of the same command with the changes.
   *
   * @param depth `live` stops at tensors and their blocks, in milliseconds; `device` replays the allocator, as the command does
   */
  recompute(changes: Changes, depth?: 'live' | 'device'): Recomputed
  /** What lives at a point of a method's timeline. @param seq the point's first field */
  aliveAt(changes: Changes, method: number, seq: number): readonly Alive[]
}

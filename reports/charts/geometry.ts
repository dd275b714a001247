import { unitFor } from '../words.ts'

/** The vertical scale that charts of one report share, so that a reader compares heights. */
export interface Scale {
  readonly max: number
  readonly unit: string
  readonly unitBytes: number
}

/** Leaves room above the highest peak for its label. */
export function sharedScale(peaks: readonly number[]): Scale {
  const top = Math.max(1, ...peaks)
  const { unit, size } = unitFor(top)
  return { max: (top * 1.16) / size, unit, unitBytes: size }
}

/** Pixels of a timeline. */
export const TIMELINE = {
  wide: { plot: 950, left: 74, height: 190, top: 20 },
  narrow: { plot: 296, left: 62, height: 150, top: 20 },
} as const

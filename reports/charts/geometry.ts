import { unitFor } from '../words.ts'
import type { Size } from './style.ts'

/** The vertical scale that charts of one report share, so that a reader compares heights. */
export interface Scale {
  readonly max: number
  readonly unit: string
  readonly unitBytes: number
  /** Ticks of the tallest chart; each chart has those that it reaches. */
  readonly ticks: readonly number[]
}

/** Leaves room above the highest peak for its label. */
export function sharedScale(peaks: readonly number[]): Scale {
  const top = Math.max(1, ...peaks)
  const { unit, size } = unitFor(top)
  const max = (top * 1.16) / size
  const step = niceStep(max / 5)
  const ticks = Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)))
  return { max, unit, unitBytes: size, ticks }
}

/** The next 1, 2 or 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return ([1, 2, 5, 10].find((n) => n * power >= least) ?? 10) * power
}

/** Round values from `low` to `high`, both ends included where they are round, about `count` of them. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const step = niceStep((high - low) / count)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** Pixels of a timeline; `height` is that of the highest one. */
export const TIMELINE = {
  wide: { plot: 950, left: 74, right: 4, top: 20, bottom: 6, height: 230, least: 96 },
  narrow: { plot: 290, left: 66, right: 4, top: 20, bottom: 6, height: 190, least: 96 },
} as const

/** A lower chart is cut, not stretched: a byte is as high in each, and heights compare across them. */
export function cropped(scale: Scale, peak: number, size: Size): { scale: Scale; height: number } {
  const { height, least } = TIMELINE[size]
  const needed = Math.max(least, (height * peak) / scale.unitBytes / scale.max + 34)
  if (needed >= height) return { scale, height }
  return { scale: { ...scale, max: (scale.max * needed) / height }, height: Math.round(needed) }
}

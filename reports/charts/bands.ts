import { GROUPS, type Group, PALETTE } from '../palette.ts'
import type { Instant } from '../view/timeline.ts'
import { textWidth } from './style.ts'

export interface Band {
  readonly group: Group
  readonly x: number
  readonly low: number
  readonly high: number
}

/** Stacked areas in the palette's order: what is alive at each instant, from `low` to `high` in the chart's unit. */
export function bandsOf(points: readonly Instant[], unitBytes: number): Band[] {
  const present = GROUPS.filter((g) => points.some((p) => p.parts[g] > 0))
  return present.flatMap((group) => points.map((p) => bandAt(p, group, unitBytes)))
}

/** One group at one instant, upon those before it in the palette. */
export function bandAt(p: Instant, group: Group, unitBytes: number): Band {
  let low = 0
  for (const g of GROUPS.slice(0, GROUPS.indexOf(group))) low += p.parts[g]
  return { group, x: p.x, low: low / unitBytes, high: (low + p.parts[group]) / unitBytes }
}

export interface BandLabel {
  readonly x: number
  readonly y: number
  readonly label: string
  readonly on: string
}

interface Frame {
  readonly plot: number
  readonly height: number
  readonly end: number
  readonly max: number
  /** Where lines cross the chart that no name should stand on. */
  readonly lines: readonly number[]
}

const FONT_SIZE = 11
const NEEDED = 15

/** Names that fit inside their band: each where its band leaves the tallest clear strip of the name's width. */
export function bandLabels(bands: readonly Band[], frame: Frame): BandLabel[] {
  return GROUPS.flatMap((group) => {
    const own = bands.filter((b) => b.group === group)
    const { label, on } = PALETTE[group]
    const width = textWidth(label, FONT_SIZE) + 10
    const spot = own.length === 0 ? null : widest(own, width, frame)
    if (spot === null || ((spot.high - spot.low) / frame.max) * frame.height < NEEDED) return []
    return [{ x: spot.x, y: (spot.low + spot.high) / 2, label, on }]
  })
}

/** Slides a window of the name's width over the band; the band holds its value until the next instant. */
function widest(own: readonly Band[], width: number, frame: Frame) {
  const span = (width / frame.plot) * frame.end
  let best: { x: number; low: number; high: number } | null = null
  for (let i = 0; i < own.length; i++) {
    const from = own[i]!.x
    if (from + span > frame.end) break
    if (frame.lines.some((x) => x > from && x < from + span)) continue
    let [low, high] = [0, Number.POSITIVE_INFINITY]
    for (let k = i; k < own.length && own[k]!.x <= from + span; k++) {
      low = Math.max(low, own[k]!.low)
      high = Math.min(high, own[k]!.high)
    }
    if (best === null || high - low > best.high - best.low) best = { x: from + span / 2, low, high }
  }
  return best
}

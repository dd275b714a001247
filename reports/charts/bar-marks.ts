import { formatBytes } from '../../planner/trace/bytes.ts'
import { type Group, PALETTE } from '../palette.ts'
import type { BarRow, BarsView } from '../view/bars.ts'
import { isSize, shorten } from '../words.ts'
import { type Size, textWidth } from './style.ts'

/** Pixels. The labels stand left of a bar where there is room, else above it. */
export const BARS = {
  wide: { plot: 830, left: 200, right: 4, top: 2, bottom: 2, row: 54, bar: 32, barTop: 6, afterBar: 110 },
  narrow: { plot: 356, left: 2, right: 4, top: 2, bottom: 2, row: 62, bar: 28, barTop: 24, afterBar: 12 },
} as const

/** Bytes at the right edge of the drawing: the longest bar leaves room for its figure. */
export function domainOf(bars: BarsView, size: Size): number {
  const { plot, afterBar } = BARS[size]
  const longest = Math.max(1, ...bars.rows.map((r) => Math.max(r.total, r.measured ?? 0)))
  return Math.max((longest * plot) / (plot - afterBar), (bars.capacity?.bytes ?? 0) * 1.02)
}

export interface Segment {
  readonly group: Group
  readonly bytes: number
  readonly from: number
  readonly to: number
  readonly y: number
  readonly y2: number
  readonly fill: string
  readonly on: string
  /** As much as the segment has room for: name and figure, the figure, or nothing. */
  readonly label: string
  readonly labelAt: number
}

/** The longer side of a line that cuts through the segment: a label does not stand across it. */
function clearOf(from: number, to: number, line: number | undefined): [number, number] {
  if (line === undefined || line <= from || line >= to) return [from, to]
  return line - from > to - line ? [from, line] : [line, to]
}

/** One bar's segments, left to right in the palette's order. Groups without bytes have none. */
export function segmentsOf(row: BarRow, bars: BarsView, y: number, size: Size): Segment[] {
  const { plot, bar } = BARS[size]
  const perByte = plot / domainOf(bars, size)
  let from = 0
  return row.parts
    .filter((p) => p.bytes > 0)
    .map(({ group, bytes }) => {
      const { label, hex: fill, on } = PALETTE[group]
      const value = (bytes / bars.unitBytes).toFixed(bytes < 10 * bars.unitBytes ? 2 : 1)
      const [low, high] = clearOf(from, from + bytes, bars.capacity?.bytes)
      const text = [`${label} ${value}`, value].find((t) => textWidth(t, 11) + 8 <= (high - low) * perByte) ?? ''
      const labelAt = (low + high) / 2
      const segment = { group, bytes, from, to: from + bytes, y, y2: y + bar, fill, on, label: text, labelAt }
      from += bytes
      return segment
    })
}

export interface RowLabels {
  readonly name: string
  readonly at: string
  /** Where the figure begins: where the bar ends, or the measured dot if that lies further out. */
  readonly end: number
  readonly total: string
}

/** What is written beside a bar; on a phone the figure follows the name. */
export function labelsOf(row: BarRow, bars: BarsView, size: Size): RowLabels {
  const total = formatBytes(row.total)
  const longest = Math.max(row.total, row.measured ?? 0)
  // A figure that the capacity line would cut through moves to the other side of it.
  const reach = ((textWidth(total) + 16) * domainOf(bars, size)) / BARS[size].plot
  const line = bars.capacity?.bytes ?? 0
  const end = longest <= line && longest + reach > line ? line : longest
  if (size === 'wide') return { name: shorten(row.name, 19), at: shorten(row.at, 30), end, total }
  const name = `${shorten(row.name, 14)}  ${total}`
  return { name, at: shorten(row.at, 50 - name.length), end, total: '' }
}

export interface CapacityMark {
  readonly bytes: number
  readonly label: string
  readonly align: 'left' | 'center' | 'right'
}

/** The label stands centred over the line, or inwards of it where it would leave the drawing. */
export function capacityMark(bars: BarsView, size: Size): CapacityMark | null {
  if (bars.capacity === null) return null
  const { plot, left } = BARS[size]
  const { bytes } = bars.capacity
  const name = bars.capacity.label
  const label = isSize(name) ? formatBytes(bytes) : `${shorten(name, 28)} · ${formatBytes(bytes)}`
  const at = (bytes / domainOf(bars, size)) * plot
  const half = textWidth(label) / 2
  return { bytes, label, align: at + half > plot ? 'right' : at + left < half ? 'left' : 'center' }
}

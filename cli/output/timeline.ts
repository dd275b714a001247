import type { TimelinePoint } from '../../planner/result/estimate.ts'
import type { Phase } from '../../planner/trace/event.ts'
import { padEnd } from './wrap.ts'

const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

export interface TimelineOptions {
  readonly width: number
  readonly rows: number
  /** The bytes that fill the height: the same for all methods that are compared. */
  readonly top: number
}

export interface DrawnTimeline {
  /** From the top down. */
  readonly lines: readonly string[]
  /** Where each phase begins, named. */
  readonly axis: string
  /** A mark under the column of the peak. */
  readonly mark: string
}

/** Live bytes through the step as block characters: a column shows the most that was alive in it, so the peak survives. */
export function drawTimeline(points: readonly TimelinePoint[], options: TimelineOptions): DrawnTimeline {
  const { width, rows, top } = options
  const columns = new Array<number>(width).fill(0)
  const phases = new Array<Phase | undefined>(width).fill(undefined)
  const first = points[0]?.[0] ?? 0
  const span = Math.max(1, (points.at(-1)?.[0] ?? 0) - first)
  let peak = { at: 0, bytes: -1 }
  for (const [seq, phase, parts] of points) {
    const at = Math.min(width - 1, Math.floor((width * (seq - first)) / span))
    const bytes = Object.values(parts).reduce<number>((sum, b) => sum + (b ?? 0), 0)
    columns[at] = Math.max(columns[at] ?? 0, bytes)
    phases[at] = phase
    if (bytes > peak.bytes) peak = { at, bytes }
  }
  fillGaps(columns)
  const lines = Array.from({ length: rows }, (_, i) => row(columns, rows - 1 - i, rows, top))
  return {
    lines: lines.filter((line) => line.trim() !== ''),
    axis: axis(phases).trimEnd(),
    mark: `${' '.repeat(peak.at)}▲`,
  }
}

/** Between two points nothing new peaked: the last value holds. */
function fillGaps(columns: number[]): void {
  let last = columns[0] ?? 0
  for (const [i, value] of columns.entries()) {
    if (value === 0) columns[i] = last
    else last = value
  }
}

function row(columns: readonly number[], level: number, rows: number, top: number): string {
  return columns
    .map((bytes) => {
      const eighths = Math.round((8 * rows * bytes) / Math.max(1, top)) - 8 * level
      return EIGHTHS[Math.min(8, Math.max(0, eighths))]
    })
    .join('')
}

/** `forward     backward    optimizer`, each visit at its first column. */
function axis(phases: readonly (Phase | undefined)[]): string {
  let text = ''
  let last: Phase | undefined
  for (const [at, phase] of phases.entries()) {
    if (phase === undefined || phase === last) continue
    last = phase
    if (at < text.length) continue
    text = padEnd(text, at)
    const name = `└${phase}`
    if (at + name.length <= phases.length) text += name
  }
  return text
}

import { formatBytes } from '../../planner/trace/bytes.ts'
import type { PhaseSpan, TimelineView } from '../view/timeline.ts'
import { GRID, INK, MUTED, PAPER, textWidth } from './style.ts'

/** Where phases begin: a line each and its name over it, as far as names find room. */
export function phaseLayers(phases: readonly PhaseSpan[], end: number, plot: number) {
  const px = (x: number) => (x / Math.max(1, end)) * plot
  const starts = phases.map((p) => ({ x: p.from, label: p.phase }))
  return [
    {
      data: { values: starts.slice(1) },
      mark: { type: 'rule' as const, color: GRID, strokeWidth: 1 },
      encoding: { x: axisX('x', end) },
    },
    ...placed(starts, px, plot).map((s) => ({
      data: { values: [s] },
      mark: { type: 'text' as const, align: s.align, dx: s.dx, color: MUTED, fontSize: 11 },
      encoding: { x: axisX('x', end), y: { value: -10 }, text: { field: 'label' } },
    })),
  ]
}

/** A name begins where its phase does; the last, if its phase is narrow, ends where the step does; others are left out. */
function placed(starts: readonly { x: number; label: string }[], px: (x: number) => number, plot: number) {
  let free = 0
  return starts.flatMap(({ x, label }, i) => {
    const width = textWidth(label, 11) + 8
    const atEnd = i === starts.length - 1 && px(x) + width > plot
    const from = atEnd ? plot - width : px(x)
    if (from < free) return []
    free = from + width
    const align: 'left' | 'right' = atEnd ? 'right' : 'left'
    return [{ x, label, align, dx: atEnd ? plot - px(x) : i === 0 ? 0 : 4 }]
  })
}

/** The peak: a dot, its bytes and, as far as there is room, its instant, written towards the roomier side. */
export function peakLayers(peak: TimelineView['peak'], end: number, plot: number, unitBytes: number) {
  if (peak === null) return []
  const at = (peak.x / Math.max(1, end)) * plot
  const bytes = formatBytes(peak.bytes)
  const options = [`${bytes} · ${peak.at}`, `${bytes} · ${peak.at.split(' · ').at(-1)}`]
  const room = Math.max(at, plot - at)
  const label = options.find((t) => textWidth(t) + 6 <= room) ?? bytes
  const align: 'left' | 'right' = at + textWidth(label) + 6 <= plot ? 'left' : 'right'
  const values = [{ x: peak.x, y: peak.bytes / unitBytes, label }]
  const encoding = { x: axisX('x', end), y: { field: 'y', type: 'quantitative' as const } }
  return [
    {
      data: { values },
      mark: { type: 'point' as const, filled: true, size: 42, color: INK, stroke: PAPER, strokeWidth: 1, opacity: 1 },
      encoding,
    },
    {
      data: { values },
      mark: { type: 'text' as const, align, dx: align === 'left' ? 2 : -2, dy: -13, fontWeight: 600 as const },
      encoding: { ...encoding, text: { field: 'label' } },
    },
  ]
}

/** Events since the step began, over the whole width. */
export const axisX = (field: string, end: number) => ({
  field,
  type: 'quantitative' as const,
  scale: { domain: [0, Math.max(1, end)], nice: false, zero: true },
  axis: null,
})

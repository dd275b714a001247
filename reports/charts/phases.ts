import { formatBytes } from '../../planner/trace/bytes.ts'
import type { PhaseSpan, TimelineView } from '../view/timeline.ts'
import type { Scale } from './geometry.ts'
import { textWidth } from './style.ts'

export interface Anchored {
  readonly x: number
  readonly label: string
  readonly align: 'left' | 'center' | 'right'
  readonly dx: number
}

/** What `phaseLayers` draws: a line where each phase begins, and names as far as they find room. */
export function phaseData(phases: readonly PhaseSpan[], end: number, plot: number) {
  const starts = phases.map((p) => ({ x: p.from, label: p.phase }))
  return { phases: starts.slice(1).map(({ x }) => ({ x })), phaseNames: placed(starts, end, plot) }
}

/** A name begins where its phase does; the last, if its phase is narrow, ends where the step does; others are left out. */
function placed(starts: readonly { x: number; label: string }[], end: number, plot: number): Anchored[] {
  let free = 0
  return starts.flatMap(({ x, label }, i) => {
    const width = textWidth(label, 11) + 8
    const at = (x / Math.max(1, end)) * plot
    const atEnd = i === starts.length - 1 && at + width > plot
    const from = atEnd ? plot - width : at
    if (from < free) return []
    free = from + width
    return [{ x, label, align: atEnd ? 'right' : 'left', dx: atEnd ? plot - at : i === 0 ? 0 : 4 }]
  })
}

/** What `peakLayers` draws: the peak's bytes and, as far as there is room, its instant, towards the roomier side. */
export function peakData(peak: TimelineView['peak'], end: number, plot: number, scale: Scale): { peak: object[] } {
  if (peak === null) return { peak: [] }
  const at = (peak.x / Math.max(1, end)) * plot
  const bytes = formatBytes(peak.bytes)
  const options = [`${bytes} · ${peak.at}`, `${bytes} · ${peak.at.split(' · ').at(-1)}`]
  const room = Math.max(at, plot - at)
  const label = options.find((t) => textWidth(t) + 6 <= room) ?? bytes
  const align = at + textWidth(label) + 6 <= plot ? 'left' : 'right'
  return { peak: [{ x: peak.x, y: peak.bytes / scale.unitBytes, label, align, dx: align === 'left' ? 2 : -2 }] }
}

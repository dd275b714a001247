import { PALETTE } from '../palette.ts'
import type { TimelineView } from '../view/timeline.ts'
import { bandAt, bandLabels, bandsOf } from './bands.ts'
import type { Chart } from './chart.ts'
import { cropped, type Scale, TIMELINE } from './geometry.ts'
import { bytesY, colour, eventsX, frame, peakLayers, phaseLayers, text } from './layers.ts'
import { peakData, phaseData } from './phases.ts'
import { INK, type Size } from './style.ts'

/** Live bytes through one step, stacked by what they are, phases marked, the peak named, an instant to point at. */
export const timelineSpec = (size: Size) =>
  frame(TIMELINE[size], { end: 1, max: 1, ticks: [], unit: '' }, [
    {
      data: { name: 'bands' },
      mark: { type: 'area' as const, interpolate: 'step-after' as const, opacity: 1 },
      encoding: { x: eventsX, y: { field: 'low', ...bytesY }, y2: { field: 'high' }, color: colour('fill') },
    },
    ...phaseLayers(),
    {
      data: { name: 'spike' },
      mark: { type: 'rule' as const, strokeWidth: 2 },
      encoding: { x: eventsX, y: { field: 'low', ...bytesY }, y2: { field: 'high' }, color: colour('fill') },
    },
    text('names', { x: eventsX, y: { field: 'y', ...bytesY }, color: colour('on') }, { fontSize: 11 }),
    {
      data: { name: 'chosen' },
      mark: { type: 'rule' as const, color: INK, strokeWidth: 1 },
      encoding: { x: eventsX },
    },
    ...peakLayers(),
  ])

/** @param chosen an instant that the reader points at, as events since the step began */
export function timelineChart(timeline: TimelineView, shared: Scale, size: Size, chosen: number | null = null): Chart {
  const { plot } = TIMELINE[size]
  const { end, peak, phases, points } = timeline
  const { scale, height } = cropped(shared, peak?.bytes ?? 0, size)
  const bands = bandsOf(points, scale.unitBytes)
  const lines = phases.map((p) => p.from)
  const names = bandLabels(bands, { plot, height, end, max: scale.max, lines })
  // The peak may last for one event, less than a pixel: its instant is drawn two pixels broad.
  const top = points.find((p) => p.x === peak?.x)
  const groups = [...new Set(bands.map((b) => b.group))]
  const spike = top === undefined ? [] : groups.map((g) => bandAt(top, g, scale.unitBytes))
  const filled = bands.map(({ group, x, low, high }) => ({ x, low, high, fill: PALETTE[group].hex }))
  return {
    kind: 'timeline',
    size,
    height,
    signals: timelineSignals(scale, end),
    data: {
      bands: filled,
      spike: spike.map((b) => ({ ...b, fill: PALETTE[b.group].hex })),
      names: names.map((n) => ({ ...n, align: 'center', dx: 0 })),
      chosen: chosen === null ? [] : [{ x: chosen }],
      ...phaseData(phases, end, plot),
      ...peakData(peak, end, plot, scale),
    },
  }
}

export const timelineSignals = (scale: Scale, end: number): Chart['signals'] => ({
  end: Math.max(1, end),
  max: scale.max,
  unit: scale.unit,
  ticks: scale.ticks.filter((t) => t <= scale.max),
})

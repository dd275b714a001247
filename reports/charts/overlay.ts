import { PALETTE } from '../palette.ts'
import type { TimelineView } from '../view/timeline.ts'
import type { Chart } from './chart.ts'
import { cropped, type Scale, TIMELINE } from './geometry.ts'
import { bytesY, eventsX, frame, peakLayers, phaseLayers } from './layers.ts'
import { peakData, phaseData } from './phases.ts'
import { INK, type Size } from './style.ts'
import { timelineSignals } from './timeline.ts'

/** The prediction's line in the measured chart. */
export const PREDICTED = PALETTE.temporary.hex

/** A run: the predicted line broad, the measured one thin upon it, so that one sees where they part and that they do not. */
export const overlaySpec = (size: Size) =>
  frame(TIMELINE[size], { end: 1, max: 1, ticks: [], unit: '' }, [
    ...phaseLayers(),
    line('predicted', PREDICTED, 6),
    line('measured', INK, 1.2),
    ...peakLayers(),
  ])

const line = (data: string, color: string, strokeWidth: number) => ({
  data: { name: data },
  mark: {
    type: 'line' as const,
    interpolate: 'step-after' as const,
    color,
    strokeWidth,
    strokeJoin: 'round' as const,
  },
  encoding: { x: eventsX, y: { field: 'y', ...bytesY } },
})

export function overlayChart(predicted: TimelineView, measured: TimelineView, shared: Scale, size: Size): Chart {
  const { plot } = TIMELINE[size]
  const { scale, height } = cropped(shared, Math.max(predicted.peak?.bytes ?? 0, measured.peak?.bytes ?? 0), size)
  const end = Math.max(predicted.end, measured.end)
  const points = (view: TimelineView) => view.points.map((p) => ({ x: p.x, y: p.bytes / scale.unitBytes }))
  return {
    kind: 'overlay',
    size,
    height,
    signals: timelineSignals(scale, end),
    data: {
      predicted: points(predicted),
      measured: points(measured),
      ...phaseData(predicted.phases, end, plot),
      ...peakData(measured.peak, end, plot, scale),
    },
  }
}

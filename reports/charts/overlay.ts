import type { TopLevelSpec } from 'vega-lite'
import { PALETTE } from '../palette.ts'
import type { TimelineView } from '../view/timeline.ts'
import { cropped, type Scale, TIMELINE } from './geometry.ts'
import { axisX, peakLayers, phaseLayers } from './phases.ts'
import { CONFIG, INK, type Size } from './style.ts'
import { yAxis } from './timeline.ts'

/** The prediction's line in the measured chart. */
export const PREDICTED = PALETTE.temporary.hex

/** A run: the predicted line broad, the measured one thin upon it, so that one sees where they part and that they do not. */
export function overlayChart(predicted: TimelineView, measured: TimelineView, shared: Scale, size: Size): TopLevelSpec {
  const box = TIMELINE[size]
  const { scale, height } = cropped(shared, Math.max(predicted.peak?.bytes ?? 0, measured.peak?.bytes ?? 0), size)
  const end = Math.max(predicted.end, measured.end)
  const line = (view: TimelineView, color: string, strokeWidth: number) => ({
    data: { values: view.points.map((p) => ({ x: p.x, y: p.bytes / scale.unitBytes })) },
    mark: {
      type: 'line' as const,
      interpolate: 'step-after' as const,
      color,
      strokeWidth,
      strokeJoin: 'round' as const,
    },
    encoding: { x: axisX('x', end), y: { field: 'y', ...yAxis(scale) } },
  })
  return {
    config: CONFIG,
    width: box.plot,
    height,
    padding: { left: box.left, right: 4, top: box.top, bottom: 6 },
    autosize: { type: 'none' },
    layer: [
      ...phaseLayers(predicted.phases, end, box.plot),
      line(predicted, PREDICTED, 6),
      line(measured, INK, 1.2),
      ...peakLayers(measured.peak, end, box.plot, scale.unitBytes),
    ],
  }
}

import type { TopLevelSpec } from 'vega-lite'
import { PALETTE } from '../palette.ts'
import type { TimelineView } from '../view/timeline.ts'
import { type Scale, TIMELINE } from './geometry.ts'
import { axisX, peakLayers, phaseLayers } from './phases.ts'
import { CONFIG, INK, type Size } from './style.ts'
import { peakLabel, yAxis } from './timeline.ts'

/** The prediction's line in the measured chart. */
export const PREDICTED = PALETTE.temporary.hex

/** A run: the predicted line broad, the measured one thin upon it, so that one sees where they part and that they do not. */
export function overlayChart(predicted: TimelineView, measured: TimelineView, scale: Scale, size: Size): TopLevelSpec {
  const box = TIMELINE[size]
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
    height: box.height,
    padding: { left: box.left, right: 4, top: box.top, bottom: 6 },
    autosize: { type: 'none' },
    layer: [
      ...phaseLayers(predicted.phases, end, box.plot),
      line(predicted, PREDICTED, size === 'wide' ? 5 : 4),
      line(measured, INK, 1),
      ...peakLayers(measured.peak, end, box.plot, scale.unitBytes, peakLabel(measured, size)),
    ],
  }
}

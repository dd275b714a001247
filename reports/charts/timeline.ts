import type { TopLevelSpec } from 'vega-lite'
import { formatBytes } from '../../planner/trace/bytes.ts'
import { PALETTE } from '../palette.ts'
import type { TimelineView } from '../view/timeline.ts'
import { shorten } from '../words.ts'
import { bandLabels, bandsOf } from './bands.ts'
import { type Scale, TIMELINE } from './geometry.ts'
import { axisX, peakLayers, phaseLayers } from './phases.ts'
import { CONFIG, type Size } from './style.ts'

/** Live bytes through one step, stacked by what they are, phases marked, the peak named. */
export function timelineChart(timeline: TimelineView, scale: Scale, size: Size): TopLevelSpec {
  const box = TIMELINE[size]
  const { end, peak } = timeline
  const bands = bandsOf(timeline.points, scale.unitBytes)
  const names = bandLabels(bands, { plot: box.plot, height: box.height, end, max: scale.max })
  const y = yAxis(scale)
  const groups = [...new Set(bands.map((b) => b.group))]
  return {
    config: CONFIG,
    width: box.plot,
    height: box.height,
    padding: { left: box.left, right: 4, top: box.top, bottom: 6 },
    autosize: { type: 'none' },
    layer: [
      ...groups.map((group) => ({
        data: { values: bands.filter((b) => b.group === group) },
        mark: { type: 'area' as const, interpolate: 'step-after' as const, color: PALETTE[group].hex, opacity: 1 },
        encoding: { x: axisX('x', end), y: { field: 'low', ...y }, y2: { field: 'high' } },
      })),
      ...phaseLayers(timeline.phases, end, box.plot),
      ...names.map((name) => ({
        data: { values: [name] },
        mark: { type: 'text' as const, fontSize: 11, color: name.on },
        encoding: { x: axisX('x', end), y: { field: 'y', ...y }, text: { field: 'label' } },
      })),
      ...peakLayers(peak, end, box.plot, scale.unitBytes, peakLabel(timeline, size)),
    ],
  }
}

/** `17.26 GiB · backward · log_softmax` */
export function peakLabel({ peak }: TimelineView, size: Size): string {
  return peak === null ? '' : `${formatBytes(peak.bytes)} · ${shorten(peak.at, size === 'wide' ? 60 : 28)}`
}

/** The shared vertical axis, with its unit on every tick. */
export const yAxis = (scale: Scale) => ({
  type: 'quantitative' as const,
  scale: { domain: [0, scale.max], nice: false, zero: true },
  axis: { tickCount: 4, labelExpr: `datum.label + ' ${scale.unit}'` },
})

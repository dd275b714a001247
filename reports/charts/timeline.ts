import type { TopLevelSpec } from 'vega-lite'
import { PALETTE } from '../palette.ts'
import type { TimelineView } from '../view/timeline.ts'
import { bandAt, bandLabels, bandsOf } from './bands.ts'
import { cropped, type Scale, TIMELINE } from './geometry.ts'
import { axisX, peakLayers, phaseLayers } from './phases.ts'
import { CONFIG, type Size } from './style.ts'

/** Live bytes through one step, stacked by what they are, phases marked, the peak named. */
export function timelineChart(timeline: TimelineView, shared: Scale, size: Size): TopLevelSpec {
  const box = TIMELINE[size]
  const { end, peak, phases } = timeline
  const { scale, height } = cropped(shared, peak?.bytes ?? 0, size)
  const bands = bandsOf(timeline.points, scale.unitBytes)
  const names = bandLabels(bands, {
    plot: box.plot,
    height,
    end,
    max: scale.max,
    lines: phases.map((p) => p.from),
  })
  const y = yAxis(scale)
  const groups = [...new Set(bands.map((b) => b.group))]
  return {
    config: CONFIG,
    width: box.plot,
    height,
    padding: { left: box.left, right: 4, top: box.top, bottom: 6 },
    autosize: { type: 'none' },
    layer: [
      ...groups.map((group) => ({
        data: { values: bands.filter((b) => b.group === group) },
        mark: { type: 'area' as const, interpolate: 'step-after' as const, color: PALETTE[group].hex, opacity: 1 },
        encoding: { x: axisX('x', end), y: { field: 'low', ...y }, y2: { field: 'high' } },
      })),
      ...phaseLayers(phases, end, box.plot),
      ...spike(),
      ...names.map((name) => ({
        data: { values: [name] },
        mark: { type: 'text' as const, fontSize: 11, color: name.on },
        encoding: { x: axisX('x', end), y: { field: 'y', ...y }, text: { field: 'label' } },
      })),
      ...peakLayers(peak, end, box.plot, scale.unitBytes),
    ],
  }

  /** The peak may last for one event, less than a pixel: its instant is drawn two pixels broad. */
  function spike() {
    const top = timeline.points.find((p) => p.x === peak?.x)
    if (top === undefined) return []
    const values = groups.map((g) => ({ ...bandAt(top, g, scale.unitBytes), fill: PALETTE[g].hex }))
    return [
      {
        data: { values },
        mark: { type: 'rule' as const, strokeWidth: 2 },
        encoding: {
          x: axisX('x', end),
          y: { field: 'low', ...y },
          y2: { field: 'high' },
          color: { field: 'fill', type: 'nominal' as const, scale: null },
        },
      },
    ]
  }
}

/** The shared vertical axis, with its unit on every tick. */
export const yAxis = (scale: Scale) => ({
  type: 'quantitative' as const,
  scale: { domain: [0, scale.max], nice: false, zero: true },
  axis: {
    values: scale.ticks.filter((t) => t <= scale.max),
    format: '~f',
    labelExpr: `datum.label + ' ${scale.unit}'`,
  },
})

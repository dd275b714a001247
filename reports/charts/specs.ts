import type { TopLevelSpec } from 'vega-lite'
import type { ChartKind } from './chart.ts'
import { curvesSpec } from './curves.ts'
import { heatMapSpec } from './heat-map.ts'
import { icicleSpec } from './icicle.ts'
import { overlaySpec } from './overlay.ts'
import { partsSpec } from './parts.ts'
import { scatterSpec } from './scatter.ts'
import type { Size } from './style.ts'
import { timelineSpec } from './timeline.ts'

/** The Vega-Lite specification of each drawing, without data. */
export const SPECS: Readonly<Record<ChartKind, (size: Size) => TopLevelSpec>> = {
  parts: partsSpec,
  timeline: timelineSpec,
  overlay: overlaySpec,
  icicle: icicleSpec,
  curves: curvesSpec,
  scatter: scatterSpec,
  'heat-map': heatMapSpec,
}

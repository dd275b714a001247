import type { Box } from './chart.ts'
import { CONFIG, GRID, INK, MUTED, PAPER } from './style.ts'

/** A specification's frame: `signals` with a first value, which the chart replaces. */
export function frame<L>(box: Box, signals: Readonly<Record<string, number | string | readonly number[]>>, layer: L[]) {
  return {
    config: CONFIG,
    width: box.plot,
    // replaced by each chart's own
    height: 100,
    padding: { left: box.left, right: box.right, top: box.top, bottom: box.bottom },
    autosize: { type: 'none' as const },
    params: Object.entries(signals).map(([name, value]) => ({ name, value: value as number })),
    layer,
  }
}

/** A field that is pixels already. */
export const pixels = (field: string) => ({ field, type: 'quantitative' as const, scale: null, axis: null })

/** A field that is a colour already. */
export const colour = (field: string) => ({ field, type: 'nominal' as const, scale: null })

/** A quantity from nothing to the signal `max`. */
export const upTo = (max: string) => ({
  type: 'quantitative' as const,
  scale: { domainMin: 0, domainMax: { expr: max }, nice: false, zero: true },
})

/** A quantity between two signals, which need not be near nothing. */
export const between = (low: string, high: string) => ({
  type: 'quantitative' as const,
  scale: { domainMin: { expr: low }, domainMax: { expr: high }, nice: false, zero: false },
})

/** The vertical axis of a figure that is no bytes: from the signal `low` to `high`, ticks `yTicks`, written in the format `numbers`. */
export const valueY = (field: string) => ({
  field,
  ...between('low', 'high'),
  axis: { values: { expr: 'yTicks' }, labelExpr: 'format(datum.value, numbers)' },
})

/** Texts that say themselves where they are anchored: `label`, `align`, `dx`. */
export const text = (data: string, encoding: object, how: object = {}) => ({
  data: { name: data },
  mark: { type: 'text' as const, align: { expr: 'datum.align' }, dx: { expr: 'datum.dx' }, ...how },
  encoding: { ...encoding, text: { field: 'label' } },
})

export const dot = (data: string, encoding: object, size: number) => ({
  data: { name: data },
  mark: { type: 'point' as const, filled: true, size, color: INK, stroke: PAPER, strokeWidth: 1.5, opacity: 1 },
  encoding,
})

/** The horizontal axis of a timeline: events since the step began, over the whole width. */
export const eventsX = { field: 'x', axis: null, ...upTo('end') }

/** The vertical axis of a timeline, with its unit on every tick. */
export const bytesY = {
  ...upTo('max'),
  axis: { values: { expr: 'ticks' }, format: '~f', labelExpr: "datum.label + ' ' + unit" },
}

/** Where phases begin, and their names above the plot. */
export const phaseLayers = () => [
  {
    data: { name: 'phases' },
    mark: { type: 'rule' as const, color: GRID, strokeWidth: 1 },
    encoding: { x: eventsX },
  },
  text('phaseNames', { x: eventsX, y: { value: -10 } }, { color: MUTED, fontSize: 11 }),
]

/** The peak: a dot, its bytes and its instant. */
export const peakLayers = () => [
  dot('peak', { x: eventsX, y: { field: 'y', ...bytesY } }, 42),
  text('peak', { x: eventsX, y: { field: 'y', ...bytesY } }, { dy: -13, fontWeight: 600 }),
]

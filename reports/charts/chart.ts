import type { Size } from './style.ts'

/** The drawings there are; each has one Vega-Lite specification a size (specs.ts). */
export type ChartKind = 'parts' | 'timeline' | 'overlay' | 'icicle' | 'curves' | 'scatter' | 'heat-map'

/**
 * A chart: its specification by name, and what that draws. Specifications are constant and are compiled once; a page that
 * recomputes only hands over other data.
 */
export interface Chart {
  readonly kind: ChartKind
  readonly size: Size
  /** Pixels, without padding. */
  readonly height: number
  /** Numbers and lists that the specification calls by name. */
  readonly signals: Readonly<Record<string, number | string | readonly number[]>>
  readonly data: Readonly<Record<string, readonly object[]>>
}

/** Where a chart's plot lies in its drawing, in pixels. */
export interface Box {
  readonly plot: number
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

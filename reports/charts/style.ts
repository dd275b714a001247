import type { Config } from 'vega-lite'

/** A chart is drawn twice: for a screen or paper, and for a phone, where the same drawing scaled down could not be read. */
export type Size = 'wide' | 'narrow'

/**
 * Colours that follow the page's theme. The page defines the variables; a chart that stands alone has them replaced
 * (`standalone` in svg.ts). The categories' own colours are the same in both themes.
 */
export const INK = 'currentColor'
export const MUTED = 'var(--muted)'
export const PAPER = 'var(--paper)'
export const GRID = 'var(--grid)'
export const RAISED = 'var(--raised)'

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
export const FONT_SIZE = 12

/** Charts measure text without a screen: the mean width of a character in `FONT`, on the safe side. */
export const textWidth = (text: string, size: number = FONT_SIZE): number => text.length * size * 0.61

export const CONFIG: Config = {
  font: FONT,
  background: 'transparent',
  view: { stroke: null },
  // The page gives each chart one text alternative and a table; marks of their own would be read out one by one.
  aria: false,
  axis: {
    labelColor: MUTED,
    labelFontSize: 11,
    gridColor: GRID,
    domain: false,
    ticks: false,
    labelPadding: 6,
    title: null,
  },
  text: { fontSize: FONT_SIZE, color: INK, baseline: 'middle' },
}

import { PALETTE } from '../palette.ts'
import type { Chart } from './chart.ts'
import { frame, pixels, text } from './layers.ts'
import { GRID, INK, MUTED, type Size, textWidth } from './style.ts'

/** A cell of a grid by its place. */
export interface HeatCell {
  readonly row: number
  readonly column: number
  /** From 0, no colour, to 1, the strongest. */
  readonly strength: number
  readonly label: string
  /** Drawn with a frame: the best of its grid. */
  readonly marked: boolean
}

/** One grid; a place without a cell stays empty. */
export interface HeatGrid {
  readonly title: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly cells: readonly HeatCell[]
}

/** Grids beside each other as far as there is room, with the same rows and columns. */
export interface HeatMap {
  readonly grids: readonly HeatGrid[]
  /** What the columns are, above their names. */
  readonly across: string
}

const HEAT = {
  wide: { plot: 1024, left: 2, right: 4, top: 2, bottom: 2, cell: 74, least: 44 },
  narrow: { plot: 356, left: 2, right: 4, top: 2, bottom: 2, cell: 74, least: 30 },
} as const

const ROW = 24
/** A grid's title, what its columns are, and their names. */
const HEAD = 54
const BETWEEN = 28
const FONT_SIZE = 11
/** Text in the page's ink can be read on it in both themes, up to this. */
const STRONGEST = 0.8

/** Grids whose cells are the stronger coloured the better they are, each with its figure; the best of a grid has a frame. */
export const heatMapSpec = (size: Size) =>
  frame(HEAT[size], {}, [
    {
      data: { name: 'cells' },
      mark: { type: 'rect' as const, fill: PALETTE.parameter.hex, stroke: GRID, strokeWidth: 1 },
      encoding: { ...box, fillOpacity: { field: 'strength', type: 'quantitative' as const, scale: null } },
    },
    {
      data: { name: 'marks' },
      mark: { type: 'rect' as const, fillOpacity: 0, stroke: INK, strokeWidth: 2 },
      encoding: box,
    },
    text('figures', place, { fontSize: FONT_SIZE }),
    text('titles', place, { fontWeight: 600, fontSize: 13 }),
    text('heads', place, { color: MUTED, fontSize: FONT_SIZE }),
  ])

const place = { x: pixels('x'), y: pixels('y') }
const box = { ...place, x2: { field: 'x2' }, y2: { field: 'y2' } }

interface Layout {
  readonly gutter: number
  readonly cell: number
  readonly perLine: number
}

/** Cells as wide as their figures where that many grids find room, else narrower, else a line each. */
function layoutOf({ grids }: HeatMap, size: Size): Layout {
  const { plot, cell: widest, least } = HEAT[size]
  const gutter = 10 + Math.max(0, ...grids.flatMap((g) => g.rows.map((r) => textWidth(r, FONT_SIZE))))
  const columns = Math.max(1, ...grids.map((g) => g.columns.length))
  const figure = 8 + Math.max(0, ...grids.flatMap((g) => g.cells.map((c) => textWidth(c.label, FONT_SIZE))))
  const wanted = Math.min(widest, Math.max(least, figure))
  const fits = (n: number) => n * (gutter + columns * wanted) + (n - 1) * BETWEEN <= plot
  const perLine = [...grids.keys()].map((i) => i + 1).findLast(fits) ?? 1
  const room = (plot - (perLine - 1) * BETWEEN) / perLine - gutter
  return { gutter, cell: Math.min(widest, room / columns), perLine }
}

export function heatMapChart(map: HeatMap, size: Size): Chart {
  const layout = layoutOf(map, size)
  const width = layout.gutter + layout.cell * Math.max(1, ...map.grids.map((g) => g.columns.length))
  const tallest = Math.max(0, ...map.grids.map((g) => g.rows.length))
  const lineHeight = HEAD + tallest * ROW + BETWEEN
  const drawn = map.grids.map((grid, i) => {
    const [line, at] = [Math.floor(i / layout.perLine), i % layout.perLine]
    return drawnGrid(grid, map.across, { x: at * (width + BETWEEN), y: line * lineHeight }, layout)
  })
  const lines = Math.ceil(map.grids.length / layout.perLine)
  const all = (pick: (d: (typeof drawn)[number]) => readonly object[]) => drawn.flatMap(pick)
  return {
    kind: 'heat-map',
    size,
    height: Math.max(ROW, lines * lineHeight - BETWEEN),
    signals: {},
    data: {
      cells: all((d) => d.cells),
      marks: all((d) => d.marks),
      figures: all((d) => d.figures),
      titles: all((d) => d.titles),
      heads: all((d) => d.heads),
    },
  }
}

function drawnGrid(grid: HeatGrid, across: string, corner: { x: number; y: number }, { gutter, cell }: Layout) {
  const left = corner.x + gutter
  const top = corner.y + HEAD
  const cells = grid.cells.map((c) => ({
    x: left + c.column * cell,
    x2: left + (c.column + 1) * cell,
    y: top + c.row * ROW,
    y2: top + (c.row + 1) * ROW,
    strength: STRONGEST * Math.min(1, Math.max(0, c.strength)),
    marked: c.marked,
    label: c.label,
  }))
  const middle = { align: 'center', dx: 0 }
  return {
    cells,
    marks: cells.filter((c) => c.marked),
    figures: cells.map((c) => ({ x: (c.x + c.x2) / 2, y: (c.y + c.y2) / 2, label: c.label, ...middle })),
    titles: [{ x: corner.x, y: corner.y + 8, label: grid.title, align: 'left', dx: 0 }],
    heads: [
      { x: left, y: corner.y + 26, label: across, align: 'left', dx: 0 },
      ...grid.columns.map((label, i) => ({ x: left + (i + 0.5) * cell, y: top - 10, label, ...middle })),
      ...grid.rows.map((label, i) => ({ x: left - 6, y: top + (i + 0.5) * ROW, label, align: 'right', dx: 0 })),
    ],
  }
}

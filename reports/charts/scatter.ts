import { methodColour } from '../palette.ts'
import type { QualityPoint } from '../view/quality.ts'
import { unitFor } from '../words.ts'
import type { Chart } from './chart.ts'
import { niceTicks } from './geometry.ts'
import { between, colour, frame, text, valueY } from './layers.ts'
import { PAPER, type Size, textWidth } from './style.ts'

/** Pixels. */
const SCATTER = {
  wide: { plot: 960, left: 60, right: 8, top: 8, bottom: 24, height: 300, ticks: 8 },
  narrow: { plot: 304, left: 48, right: 8, top: 8, bottom: 24, height: 260, ticks: 4 },
} as const

const FONT_SIZE = 11
const LINE = 14
/** From a point's middle to its name. */
const AWAY = 8

/** A point a setting: memory to the right, loss or time upwards, a bar for the spread over seeds, ranks of a method joined. */
export const scatterSpec = (size: Size) =>
  frame(SCATTER[size], { left: 0, right: 1, low: 0, high: 1, xTicks: [], yTicks: [], numbers: '', unit: '' }, [
    {
      data: { name: 'joined' },
      mark: { type: 'line' as const, strokeWidth: 1, opacity: 0.6 },
      encoding: { x: memoryX, y: valueY('y'), color: colour('fill'), order: { field: 'order' } },
    },
    {
      data: { name: 'spreads' },
      mark: { type: 'rule' as const, strokeWidth: 1.5 },
      encoding: { x: memoryX, y: valueY('low'), y2: { field: 'high' }, color: colour('fill') },
    },
    {
      data: { name: 'points' },
      mark: { type: 'point' as const, filled: true, size: 80, stroke: PAPER, strokeWidth: 1.5, opacity: 1 },
      encoding: { x: memoryX, y: valueY('y'), fill: colour('fill') },
    },
    text('names', { x: memoryX, y: valueY('y') }, { fontSize: FONT_SIZE, dy: { expr: 'datum.dy' } }),
  ])

const memoryX = {
  field: 'x',
  ...between('left', 'right'),
  axis: { values: { expr: 'xTicks' }, format: '~f', labelExpr: "datum.label + ' ' + unit", grid: false },
}

/** Room around what is drawn, of its extent. */
const MARGIN = 0.08

function extent(values: readonly number[]): { low: number; high: number } {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const margin = (most - least || Math.abs(most) || 1) * MARGIN
  return { low: least - margin, high: most + margin }
}

export function scatterChart(points: readonly QualityPoint[], size: Size): Chart {
  const { plot, height, ticks } = SCATTER[size]
  const { unit, size: unitBytes } = unitFor(Math.max(...points.map((p) => p.bytes)))
  const drawn = points.map((p) => ({
    ...p,
    x: p.bytes / unitBytes,
    y: p.loss,
    low: p.loss - (p.spread ?? 0),
    high: p.loss + (p.spread ?? 0),
    fill: methodColour(p.method),
    order: p.rank ?? 0,
  }))
  const across = extent(drawn.map((p) => p.x))
  const up = extent(drawn.flatMap((p) => [p.low, p.high]))
  const at = drawn.map((p) => ({
    x: ((p.x - across.low) / (across.high - across.low)) * plot,
    y: ((up.high - p.y) / (up.high - up.low)) * height,
  }))
  const names = placed(points, at, plot, height).flatMap((n, i) => (n === null ? [] : [{ ...drawn[i], ...n }]))
  return {
    kind: 'scatter',
    size,
    height,
    signals: {
      left: across.low,
      right: across.high,
      low: up.low,
      high: up.high,
      unit,
      numbers: '.2f',
      xTicks: niceTicks(across.low, across.high, ticks),
      yTicks: niceTicks(up.low, up.high, 5),
    },
    data: {
      joined: drawn.filter((p) => p.rank !== null),
      spreads: drawn.filter((p) => p.high > p.low),
      points: drawn,
      names,
    },
  }
}

interface Box {
  readonly x: number
  readonly y: number
  readonly x2: number
  readonly y2: number
}

/** Names beside their points, each at the first place where it covers neither a point nor a name; left out where there is none. */
function placed(
  points: readonly QualityPoint[],
  at: readonly { readonly x: number; readonly y: number }[],
  plot: number,
  height: number,
) {
  const taken: Box[] = at.map(({ x, y }) => ({ x: x - 5, y: y - 5, x2: x + 5, y2: y + 5 }))
  return points.map((p, i) => {
    for (const label of p.first ? [p.name, p.short] : [p.short]) {
      const width = textWidth(label, FONT_SIZE)
      const { x, y } = at[i]!
      const places = [
        { align: 'left', dx: AWAY, dy: 0, from: x + AWAY },
        { align: 'right', dx: -AWAY, dy: 0, from: x - AWAY - width },
        { align: 'center', dx: 0, dy: -LINE, from: x - width / 2 },
        { align: 'center', dx: 0, dy: LINE, from: x - width / 2 },
        { align: 'left', dx: AWAY, dy: -LINE, from: x + AWAY },
        { align: 'left', dx: AWAY, dy: LINE, from: x + AWAY },
        { align: 'right', dx: -AWAY, dy: -LINE, from: x - AWAY - width },
        { align: 'right', dx: -AWAY, dy: LINE, from: x - AWAY - width },
      ]
      for (const { from, ...how } of places) {
        const box = { x: from, y: y + how.dy - LINE / 2, x2: from + width, y2: y + how.dy + LINE / 2 }
        if (box.x < 0 || box.x2 > plot || box.y < 0 || box.y2 > height) continue
        if (taken.some((t) => t.x < box.x2 && box.x < t.x2 && t.y < box.y2 && box.y < t.y2)) continue
        taken.push(box)
        return { ...how, label }
      }
    }
    return null
  })
}

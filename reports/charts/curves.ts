import { methodColour } from '../palette.ts'
import type { CurvesView } from '../view/curves.ts'
import type { Chart } from './chart.ts'
import { niceTicks } from './geometry.ts'
import { colour, frame, text, upTo, valueY } from './layers.ts'
import { spreadOut } from './spread-out.ts'
import { MUTED, type Size, textWidth } from './style.ts'

/** Pixels. Names stand right of where the curves end. */
const CURVES = {
  wide: { plot: 782, left: 60, right: 188, top: 10, bottom: 24, height: 260, ticks: 10 },
  narrow: { plot: 184, left: 44, right: 132, top: 10, bottom: 24, height: 220, ticks: 4 },
} as const

const LABEL = 15
const FONT_SIZE = 12
/** From the end of a curve to its name. */
const LEADER = 14

/** A line of means a method, within a band from the lowest to the highest seed; names stand where the lines end. */
export const curvesSpec = (size: Size) => {
  const { plot } = CURVES[size]
  const end = { value: plot }
  const name = { value: plot + LEADER }
  return frame(CURVES[size], { end: 1, low: 0, high: 1, xTicks: [], yTicks: [], numbers: '' }, [
    {
      data: { name: 'bands' },
      mark: { type: 'area' as const, opacity: 0.22 },
      encoding: { x: stepsX, y: valueY('low'), y2: { field: 'high' }, color: colour('fill') },
    },
    {
      data: { name: 'floor' },
      mark: { type: 'rule' as const, color: MUTED, strokeDash: [4, 3] },
      encoding: { y: valueY('y') },
    },
    {
      data: { name: 'lines' },
      mark: { type: 'line' as const, strokeWidth: 2, strokeJoin: 'round' as const },
      encoding: { x: stepsX, y: valueY('mean'), color: colour('fill') },
    },
    {
      data: { name: 'names' },
      mark: { type: 'rule' as const, strokeWidth: 1 },
      encoding: {
        x: end,
        x2: { value: plot + LEADER - 2 },
        y: valueY('y'),
        y2: { field: 'to' },
        color: colour('fill'),
      },
    },
    text('names', { x: name, y: valueY('to') }, { fontSize: FONT_SIZE }),
    text('floor', { x: { value: 4 }, y: valueY('y') }, { fontSize: 11, dy: 9, color: MUTED }),
  ])
}

const stepsX = { field: 'step', ...upTo('end'), axis: { values: { expr: 'xTicks' }, grid: false, format: '~s' } }

/** Room above and below what is drawn, of its extent; under a floor its name needs more. */
const MARGIN = 0.06
const NAMED = 0.1

export function curvesChart({ curves, floor, numbers }: CurvesView, size: Size): Chart {
  const { height, ticks } = CURVES[size]
  const points = curves.flatMap((c) => c.points)
  const all = [...points.flatMap((p) => [p.low, p.high]), ...(floor === null ? [] : [floor.at])]
  const [least, most] = [Math.min(...all), Math.max(...all)]
  const extent = most - least || 1
  const [low, high] = [least - extent * (floor === null ? MARGIN : NAMED), most + extent * MARGIN]
  const end = Math.max(1, ...points.map((p) => p.step))
  const pixel = height / (high - low)
  const ends = curves.map((c) => c.points.at(-1)!.mean)
  const places = spreadOut(
    ends.map((y) => (high - y) * pixel),
    LABEL,
    LABEL / 2,
    height - LABEL / 2,
  )
  const drawn = curves.map((c) => ({ ...c, fill: methodColour(c.method) }))
  const rows = drawn.flatMap(({ name, fill, points: of }) => of.map((p) => ({ ...p, name, fill })))
  return {
    kind: 'curves',
    size,
    height,
    signals: { end, low, high, numbers, xTicks: niceTicks(0, end, ticks), yTicks: niceTicks(low, high, 5) },
    data: {
      bands: rows.filter((p) => p.high > p.low),
      lines: rows,
      floor: floor === null ? [] : [{ y: floor.at, label: floor.label, align: 'left', dx: 0 }],
      names: drawn.map(({ fill, name, last }, i) => ({
        fill,
        y: ends[i]!,
        to: high - places[i]! / pixel,
        label: labelOf(name, last, size),
        align: 'left',
        dx: 0,
      })),
    },
  }
}

/** The figure follows the name where there is room for both. */
function labelOf(name: string, last: string, size: Size): string {
  const whole = `${name} ${last}`
  return textWidth(whole, FONT_SIZE) + LEADER <= CURVES[size].right ? whole : name
}

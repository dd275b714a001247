import type { BarsView } from '../view/bars.ts'
import { BARS, capacityMark, domainOf, labelsOf, segmentsOf } from './bar-marks.ts'
import type { Chart } from './chart.ts'
import { colour, dot, frame, pixels, text, upTo } from './layers.ts'
import { INK, MUTED, PAPER, type Size } from './style.ts'

/** Horizontal bars: the parts of each method's peak, a line where the memory ends, a dot where the run was measured. */
export const partsSpec = (size: Size) =>
  frame(BARS[size], { bytes: 1 }, [
    {
      data: { name: 'segments' },
      mark: { type: 'rect' as const, stroke: PAPER, strokeWidth: 1 },
      encoding: { x: x('from'), x2: { field: 'to' }, y: pixels('y'), y2: { field: 'y2' }, color: colour('fill') },
    },
    text('segmentNames', { x: x('labelAt'), y: pixels('middle'), color: colour('on') }, { fontSize: 11 }),
    {
      data: { name: 'capacity' },
      mark: { type: 'rule' as const, color: INK, strokeDash: [4, 3], strokeWidth: 1.5 },
      encoding: { x: x('bytes'), y: pixels('y'), y2: { field: 'y2' } },
    },
    text('capacityName', { x: x('bytes'), y: { value: 10 } }),
    ...(size === 'wide' ? besideBars() : aboveBars()),
    dot('measured', { x: x('bytes'), y: pixels('middle') }, 64),
  ])

const x = (field: string) => ({ field, axis: null, ...upTo('bytes') })

function besideBars() {
  const left = { value: 2 - BARS.wide.left }
  return [
    text('rowNames', { x: left, y: pixels('middle') }, { fontWeight: 600, fontSize: 14, dy: -8 }),
    text('rowPlaces', { x: left, y: pixels('middle') }, { color: MUTED, fontSize: 11, dy: 10 }),
    text('rowTotals', { x: x('end'), y: pixels('middle') }, { fontWeight: 600 }),
  ]
}

function aboveBars() {
  return [
    text('rowNames', { x: { value: 0 }, y: pixels('above') }, { fontWeight: 600, fontSize: 13 }),
    text('rowPlaces', { x: { value: BARS.narrow.plot }, y: pixels('above') }, { color: MUTED, fontSize: 11 }),
  ]
}

export function partsChart(bars: BarsView, size: Size): Chart {
  const box = BARS[size]
  const top = bars.capacity ? 26 : 0
  const height = top + bars.rows.length * box.row
  const rows = bars.rows.map((row, i) => {
    const y0 = top + i * box.row
    const middle = y0 + box.barTop + box.bar / 2
    return { ...labelsOf(row, bars, size), measured: row.measured, middle, above: y0 + 12 }
  })
  const segments = bars.rows
    .flatMap((row, i) => segmentsOf(row, bars, top + i * box.row + box.barTop, size))
    .map((s) => ({ ...s, middle: (s.y + s.y2) / 2, align: 'center', dx: 0 }))
  const capacity = capacityMark(bars, size)
  // Labels that stand above the bars are not crossed: there the line stops between them.
  const spans =
    size === 'wide'
      ? [{ y: 20, y2: height }]
      : rows.map(({ middle }) => ({ y: middle - box.bar / 2 - 3, y2: middle + box.bar / 2 + 3 }))
  const right = size === 'wide' ? 'left' : 'right'
  return {
    kind: 'parts',
    size,
    height,
    signals: { bytes: domainOf(bars, size) },
    data: {
      segments,
      segmentNames: segments.filter((s) => s.label !== ''),
      capacity: capacity === null ? [] : spans.map((span) => ({ ...span, bytes: capacity.bytes })),
      capacityName: capacity === null ? [] : [{ ...capacity, dx: 0 }],
      rowNames: rows.map(({ name, middle, above }) => ({ label: name, align: 'left', dx: 0, middle, above })),
      rowPlaces: rows.map(({ at, middle, above }) => ({ label: at, align: right, dx: 0, middle, above })),
      ...(size === 'wide'
        ? { rowTotals: rows.map(({ total, end, middle }) => ({ label: total, end, middle, align: 'left', dx: 10 })) }
        : {}),
      measured: rows.flatMap(({ measured, middle }) => (measured === null ? [] : [{ bytes: measured, middle }])),
    },
  }
}

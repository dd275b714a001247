import type { TopLevelSpec } from 'vega-lite'
import type { BarsView } from '../view/bars.ts'
import { BARS, capacityMark, domainOf, labelsOf, segmentsOf } from './bar-marks.ts'
import { CONFIG, INK, MUTED, PAPER, type Size } from './style.ts'

/** Horizontal bars: the parts of each method's peak, a line where the memory ends, a dot where the run was measured. */
export function partsChart(bars: BarsView, size: Size): TopLevelSpec {
  const box = BARS[size]
  const top = bars.capacity ? 26 : 0
  const height = top + bars.rows.length * box.row
  const x = (field: string) => ({ ...quantitative(field), scale: { domain: [0, domainOf(bars, size)], nice: false } })
  const y = (field: string) => ({ ...quantitative(field), scale: null })
  const colour = (field: string) => ({ field, type: 'nominal' as const, scale: null })

  const segments = bars.rows
    .flatMap((row, i) => segmentsOf(row, bars, top + i * box.row + box.barTop, size))
    .map((s) => ({ ...s, middle: (s.y + s.y2) / 2 }))
  const rows = bars.rows.map((row, i) => {
    const y0 = top + i * box.row
    return {
      ...labelsOf(row, bars, size),
      measured: row.measured,
      middle: y0 + box.barTop + box.bar / 2,
      above: y0 + 12,
    }
  })
  const measured = rows.filter((r) => r.measured !== null)
  const capacity = capacityMark(bars, size)

  return {
    config: CONFIG,
    width: box.plot,
    height,
    padding: { left: box.left, right: 4, top: 2, bottom: 2 },
    autosize: { type: 'none' },
    layer: [
      {
        data: { values: segments },
        mark: { type: 'rect', stroke: PAPER, strokeWidth: 1 },
        encoding: { x: x('from'), x2: { field: 'to' }, y: y('y'), y2: { field: 'y2' }, color: colour('fill') },
      },
      {
        data: { values: segments.filter((s) => s.label !== '') },
        mark: { type: 'text', fontSize: 11 },
        encoding: { x: x('labelAt'), y: y('middle'), text: { field: 'label' }, color: colour('on') },
      },
      ...(capacity === null ? [] : capacityLayers(capacity)),
      ...(size === 'wide' ? besideBars() : aboveBars()),
      {
        data: { values: measured },
        mark: { type: 'point', filled: true, size: 64, color: INK, stroke: PAPER, strokeWidth: 1.5, opacity: 1 },
        encoding: { x: x('measured'), y: y('middle') },
      },
    ],
  }

  function capacityLayers(mark: NonNullable<typeof capacity>) {
    // Labels that stand above the bars are not crossed: there the line stops between them.
    const spans =
      size === 'wide'
        ? [{ y: 20, y2: height }]
        : rows.map(({ middle }) => ({ y: middle - box.bar / 2 - 3, y2: middle + box.bar / 2 + 3 }))
    return [
      {
        data: { values: spans.map((span) => ({ ...span, bytes: mark.bytes })) },
        mark: { type: 'rule' as const, color: INK, strokeDash: [4, 3], strokeWidth: 1.5 },
        encoding: { x: x('bytes'), y: y('y'), y2: { field: 'y2' } },
      },
      {
        data: { values: [mark] },
        mark: { type: 'text' as const, align: mark.align },
        encoding: { x: x('bytes'), y: { value: 10 }, text: { field: 'label' } },
      },
    ]
  }

  function besideBars() {
    const left = { value: 2 - box.left }
    return [
      label('name', left, y('middle'), { align: 'left', fontWeight: 600, fontSize: 14, dy: -8 }),
      label('at', left, y('middle'), { align: 'left', color: MUTED, fontSize: 11, dy: 10 }),
      label('total', x('end'), y('middle'), { align: 'left', fontWeight: 600, dx: 10 }),
    ]
  }

  function aboveBars() {
    return [
      label('name', { value: 0 }, y('above'), { align: 'left', fontWeight: 600, fontSize: 13 }),
      label('at', { value: box.plot }, y('above'), { align: 'right', color: MUTED, fontSize: 11 }),
    ]
  }

  function label(
    field: string,
    atX: { value: number } | ReturnType<typeof x>,
    atY: ReturnType<typeof y>,
    how: TextStyle,
  ) {
    return {
      data: { values: rows },
      mark: { type: 'text' as const, ...how },
      encoding: { x: atX, y: atY, text: { field } },
    }
  }
}

interface TextStyle {
  align: 'left' | 'right'
  fontWeight?: 600
  fontSize?: number
  color?: string
  dx?: number
  dy?: number
}

const quantitative = (field: string) => ({ field, type: 'quantitative' as const, axis: null })

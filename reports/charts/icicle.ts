import { formatBytes } from '../../planner/trace/bytes.ts'
import { PALETTE } from '../palette.ts'
import type { ModuleNode } from '../view/modules.ts'
import type { Chart } from './chart.ts'
import { colour, frame, pixels, text } from './layers.ts'
import { INK, PAPER, RAISED, type Size, textWidth } from './style.ts'

export const ICICLE = {
  wide: { plot: 1024, left: 2, right: 4, top: 2, bottom: 2, row: 27 },
  narrow: { plot: 356, left: 2, right: 4, top: 2, bottom: 2, row: 27 },
} as const

const FONT_SIZE = 11
/** Pixels below which a cell would be less than its own border. */
const LEAST = 1.5

/** The peak by module, from the model down: a cell is as wide as its bytes. A colour says what they are, where they are one kind. */
export const icicleSpec = (size: Size) =>
  frame(ICICLE[size], {}, [
    {
      data: { name: 'cells' },
      mark: { type: 'rect' as const, stroke: PAPER, strokeWidth: 1 },
      encoding: { x: pixels('x'), x2: { field: 'x2' }, y: pixels('y'), y2: { field: 'y2' }, color: colour('fill') },
    },
    text('names', { x: pixels('x'), y: pixels('middle'), color: colour('on') }, { fontSize: FONT_SIZE }),
  ])

interface Cell {
  readonly x: number
  readonly x2: number
  readonly y: number
  readonly y2: number
  readonly fill: string
  readonly on: string
  readonly label: string
}

export function icicleChart(tree: ModuleNode, size: Size): Chart {
  const { plot, row } = ICICLE[size]
  const perByte = plot / Math.max(1, tree.bytes)
  const cells: Cell[] = []
  const place = (node: ModuleNode, x: number, depth: number): void => {
    const width = node.bytes * perByte
    if (width < LEAST) return
    cells.push(cellOf(node, x, width, depth * row, row))
    let at = x
    for (const child of node.children) {
      place(child, at, depth + 1)
      at += child.bytes * perByte
    }
  }
  place(tree, 0, 0)
  const names = cells.filter((c) => c.label !== '')
  return {
    kind: 'icicle',
    size,
    height: Math.max(row, ...cells.map((c) => c.y2)),
    signals: {},
    data: { cells, names: names.map((c) => ({ ...c, middle: (c.y + c.y2) / 2, align: 'left', dx: 5 })) },
  }
}

function cellOf(node: ModuleNode, x: number, width: number, y: number, row: number): Cell {
  const { fill, on } =
    node.group === null ? { fill: RAISED, on: INK } : { fill: PALETTE[node.group].hex, on: PALETTE[node.group].on }
  const isKind = node.children.length === 0 && node.group === node.name
  const name = isKind ? PALETTE[node.group].label : node.name
  const bytes = formatBytes(node.bytes)
  // a kind's colour says what it is already
  const options = [`${name} ${bytes}`, isKind ? bytes : name]
  const label = options.find((t) => textWidth(t, FONT_SIZE) + 8 <= width) ?? ''
  return { x, x2: x + width, y, y2: y + row, fill, on, label }
}

import type { Matrix } from '../../planner/result/matrix.ts'
import { type ByteUnit, formatBytes } from '../../planner/trace/bytes.ts'
import type { HeatMap } from '../charts/heat-map.ts'
import { columnBytes, listWords, methodName, unitFor } from '../words.ts'

/** Methods by what they are combined with, as a reader meets it. */
export interface MatrixView {
  readonly methods: readonly string[]
  readonly unit: ByteUnit
  readonly rows: readonly MatrixRow[]
  /** The lowest cell of all, in words. */
  readonly lowest: string
  /** Why cells are empty, each reason once with the cells it is of. */
  readonly refused: readonly { readonly cells: string; readonly reason: string }[]
  /** What LoRA would have to make again to keep as little as LoRA-FA; null where there is nothing to say. */
  readonly recomputation: string | null
  readonly heat: HeatMap
}

/** A way of combining: the peak of each method in it, null where it is refused, and what freezing A is worth there. */
export interface MatrixRow {
  readonly way: string
  readonly peaks: readonly (number | null)[]
  readonly gains: readonly Gain[]
}

export interface Gain {
  readonly of: string
  readonly against: string
  readonly bytes: number
  readonly share: number
}

export function matrixView(matrix: Matrix): MatrixView {
  const peaks = matrix.cells.flatMap((c) => c.peak_bytes ?? [])
  const { unit } = unitFor(Math.max(0, ...peaks))
  const least = matrix.cells.find((c) => c.peak_bytes === Math.min(...peaks))
  const reasons = new Map<string, string[]>()
  for (const { refused, method, way } of matrix.cells)
    if (refused !== null) reasons.set(refused, [...(reasons.get(refused) ?? []), `${methodName(method)} with ${way}`])
  return {
    methods: matrix.methods.map(methodName),
    unit,
    rows: matrix.ways.map((way) => ({
      way,
      peaks: matrix.methods.map((m) => peakAt(matrix, m, way)),
      gains: matrix.gains
        .filter((g) => g.way === way)
        .map((g) => ({
          of: methodName(g.of),
          against: methodName(g.against),
          bytes: g.bytes,
          share: g.bytes / g.from,
        })),
    })),
    lowest: least ? `${methodName(least.method)} with ${least.way}, ${formatBytes(least.peak_bytes ?? 0)}` : 'none',
    refused: [...reasons].map(([reason, cells]) => ({ cells: listWords(cells), reason })),
    recomputation: again(matrix),
    heat: heatOf(matrix, unit),
  }
}

const peakAt = ({ cells }: Matrix, method: string, way: string): number | null =>
  cells.find((c) => c.method === method && c.way === way)?.peak_bytes ?? null

/** Methods that ask for a packed base stand apart: a grid each, on one scale. */
function heatOf(matrix: Matrix, unit: ByteUnit): HeatMap {
  const known = matrix.cells.flatMap((c) => c.peak_bytes ?? [])
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const grid = (title: string, methods: readonly string[]) => {
    const cells = methods.flatMap((method, column) =>
      matrix.ways.map((way, row) => ({ row, column, bytes: peakAt(matrix, method, way) })),
    )
    const lowest = Math.min(...cells.flatMap((c) => c.bytes ?? []))
    return {
      title,
      rows: matrix.ways,
      columns: methods.map(methodName),
      cells: cells.map(({ bytes, ...at }) => ({
        ...at,
        strength: bytes === null || most === least ? 0 : (most - bytes) / (most - least),
        label: bytes === null ? '—' : columnBytes(bytes, unit).replace(` ${unit}`, ''),
        marked: bytes !== null && bytes === lowest,
      })),
    }
  }
  const packed = matrix.methods.filter((m) => m.startsWith('q'))
  const whole = matrix.methods.filter((m) => !m.startsWith('q'))
  return {
    across: unit,
    grids: [
      ...(whole.length > 0 ? [grid('Full, LoRA, DoRA', whole)] : []),
      ...(packed.length > 0 ? [grid('QLoRA', packed)] : []),
    ],
  }
}

function again({ recomputation: found }: Matrix): string | null {
  if (found === null || found.tensors.length === 0) return null
  const count = found.tensors.reduce((n, t) => n + t.count, 0)
  const ops = [...new Set(found.tensors.map((t) => t.op))].join(', ')
  const products = found.tensors.filter((t) => t.product).reduce((n, t) => n + t.count, 0)
  const cost =
    products === 0
      ? `none of them a product: each goes over its elements once more (${ops})`
      : `${products} of them a product, made in full again (${ops})`
  return `LoRA keeps as little as LoRA-FA if it makes ${count} tensors again in its backward, ${formatBytes(found.bytes)}, ${cost}.`
}

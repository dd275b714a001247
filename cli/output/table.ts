import Table from 'cli-table3'
import { padEnd, visibleWidth, wrap } from './wrap.ts'

export interface Column {
  readonly head: string
  readonly align: 'left' | 'right'
}

const NOTHING = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
}

/**
 * A table without lines. Where it does not fit the width each row becomes a small list instead: a broken table is worse than
 * none. Its own colours are off: cells come painted.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const headed = columns.some((c) => c.head !== '')
  const lines = new Table({
    ...(headed ? { head: columns.map((c) => c.head) } : {}),
    colAligns: columns.map((c) => c.align),
    chars: NOTHING,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  })
  lines.push(...rows.map((row) => [...row]))
  const text = lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
  const widest = Math.max(...text.split('\n').map(visibleWidth))
  return widest <= width ? text : stacked(columns, rows, width)
}

/** `head  value` lines, a row after another. */
function stacked(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const label = Math.min(Math.max(...columns.map((c) => c.head.length)), Math.floor(width / 3))
  return rows
    .map((row) =>
      columns
        .map(({ head }, i) => [head, (row[i] ?? '').trim()] as const)
        .filter(([, cell]) => cell !== '')
        .map(([head, cell], i) =>
          i === 0 ? wrap(cell, width, '  ') : wrap(`  ${padEnd(head, label)} ${cell}`, width, '    '),
        )
        .join('\n'),
    )
    .join('\n')
}

import { parseBytes } from '../trace/bytes.ts'
import { Refusal } from '../trace/errors.ts'
import type { Total } from './totals.ts'

/** The columns that say memory, and what they count. */
const COLUMNS: readonly (readonly [RegExp, string])[] = [
  [/^used_(gpu_)?memory\b/, 'measured: largest used_memory of one process, nvidia-smi'],
  [/^memory\.used\b/, 'measured: largest memory.used of the device, nvidia-smi; other processes count too'],
]
/** Columns that tell devices or processes apart: figures of different ones are never added. */
const OWNERS = /^(index|gpu_uuid|uuid|gpu_bus_id|pci\.bus_id|pid)$/

/** Whether a text is a log of nvidia-smi: its first line names a column of memory. */
export const isNvidiaSmi = (text: string): boolean => memoryColumn(cellsOf(text.split('\n', 1)[0] ?? '')) !== null

/**
 * The largest figure of a CSV log of nvidia-smi (`--query-gpu=timestamp,index,memory.used` or `--query-compute-apps=pid,used_memory`, `--format=csv`
 * with its header, with or without `nounits`).
 *
 * @throws Refusal `nvidia-smi` with the line that is none
 */
export function nvidiaSmiPeak(text: string, where: string): { total: Total; owners: readonly string[] } {
  const [head = '', ...lines] = text.split(/\r?\n/)
  const names = cellsOf(head)
  const column = memoryColumn(names)
  if (column === null) throw refusal(`${where}:1:1`, 'has no column memory.used or used_memory')
  const unit = /\[(\w+)\]/.exec(names[column.at] ?? '')?.[1]
  const owner = names.findIndex((n) => OWNERS.test(n))
  const peaks = new Map<string, number>()
  for (const [i, line] of lines.entries()) {
    const cells = cellsOf(line)
    // a log that is appended to has its header again and again
    if (line.trim() === '' || cells[column.at] === names[column.at]) continue
    const cell = cells[column.at] ?? ''
    const bytes = parseBytes(/^[\d.]+$/.test(cell) ? `${cell} ${unit ?? ''}` : cell)
    if (bytes === undefined) throw refusal(`${where}:${i + 2}:1`, `"${cell.slice(0, 40)}" is no memory with a unit`)
    const key = owner === -1 ? '' : (cells[owner] ?? '')
    peaks.set(key, Math.max(peaks.get(key) ?? 0, bytes))
  }
  if (peaks.size === 0) throw refusal(where, 'has no line but the header')
  return {
    total: { tier: 'process', bytes: Math.max(...peaks.values()), basis: column.basis },
    owners: [...peaks.keys()].filter((k) => k !== ''),
  }
}

const cellsOf = (line: string): string[] => line.split(',').map((cell) => cell.trim())

function memoryColumn(names: readonly string[]): { at: number; basis: string } | null {
  for (const [pattern, basis] of COLUMNS) {
    const at = names.findIndex((n) => pattern.test(n))
    if (at !== -1) return { at, basis }
  }
  return null
}

const refusal = (where: string, message: string): Refusal =>
  new Refusal(
    'nvidia-smi',
    where,
    message,
    'Log with `nvidia-smi --query-gpu=index,memory.used --format=csv -lms 200`, its header included.',
  )

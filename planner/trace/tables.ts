import { monomial, sizes } from './axes.ts'
import { ITEMSIZE } from './dtype.ts'
import type { Category } from './event.ts'
import { categoryOf, type Live } from './reading.ts'
import { foldScope } from './scope.ts'

/** One line of the table of saved tensors: like storages of all layers together. Bytes of one storage. */
export interface SavedRow {
  scope: string
  op: string
  shape: number[]
  storage_shape: number[]
  monomial: string
  dtype: string
  bytes: number
  count: number
  why: { op: string; gradient: string }[]
}

/** A line of what is alive at an instant. Bytes of all its storages. */
export interface AliveRow {
  scope: string
  category: Category
  op: string
  monomial: string
  bytes: number
  count: number
  why: { op: string; gradient: string }[]
}

/** What belongs to the model and the batch is not counted as saved, though nodes refer to it. */
const OWNED: ReadonlySet<Category> = new Set(['parameter', 'buffer', 'input', 'gradient', 'optimizer state'])

export const isSaved = (s: Live): boolean => s.saves.length > 0 && !OWNED.has(s.category)

/** The table of saved tensors, in the order of the forward. */
export function savedTable(live: Iterable<Live>): SavedRow[] {
  const rows = new Map<string, SavedRow>()
  for (const s of live) {
    if (!isSaved(s)) continue
    const first = s.saves[0]!
    const scope = foldScope(first.scope)
    const why = reasons(s)
    const shape = sizes(first.axes)
    const key = [scope, s.op, shape, s.bytes, s.dtype, why.map((w) => `${w.op} ${w.gradient}`)].join('|')
    const row = rows.get(key)
    if (row) row.count++
    else {
      const { op, dtype, bytes } = s
      const text = monomial(s.axes, ITEMSIZE[s.dtype])
      rows.set(key, { scope, op, shape, storage_shape: sizes(s.axes), monomial: text, dtype, bytes, count: 1, why })
    }
  }
  return [...rows.values()]
}

/** What is alive, largest first; storages of one kind in all layers are one line. */
export function aliveTable(live: Iterable<Live>): AliveRow[] {
  const rows = new Map<string, AliveRow>()
  for (const s of live) {
    const category = categoryOf(s)
    const scope = foldScope((category === 'activation' ? s.saves[0]?.scope : undefined) ?? s.scope)
    const text = monomial(s.axes, ITEMSIZE[s.dtype])
    const key = `${scope}|${category}|${s.op}|${text}`
    const row = rows.get(key)
    if (row) {
      row.count++
      row.bytes += s.bytes
    } else rows.set(key, { scope, category, op: s.op, monomial: text, bytes: s.bytes, count: 1, why: reasons(s) })
  }
  return [...rows.values()].sort((a, b) => b.bytes - a.bytes)
}

function reasons(s: Live): { op: string; gradient: string }[] {
  const seen = new Map<string, { op: string; gradient: string }>()
  for (const { op, why } of s.saves) seen.set(`${op} ${why}`, { op, gradient: why })
  return [...seen.values()]
}

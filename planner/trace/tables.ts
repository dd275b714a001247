import { isFlat, monomial, sizes } from './axes.ts'
import { ITEMSIZE } from './dtype.ts'
import type { Category, TraceEvent } from './event.ts'
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

/** Storages of parameters side by side, whose bytes may grow with the layers. */
export function flatStorages(trace: readonly TraceEvent[]): Set<number> {
  const found = new Set<number>()
  for (const e of trace) if (e.action === 'alloc' && isFlat(e.axes)) found.add(e.storage)
  return found
}

export const isSaved = (s: Live): boolean => s.saves.length > 0 && !OWNED.has(s.category)

/** The table of saved tensors by a key of its kind, in the order of the forward. */
export function savedTable(live: Iterable<Live>): Map<string, SavedRow> {
  const rows = new Map<string, SavedRow>()
  for (const s of live) {
    if (!isSaved(s)) continue
    const first = s.saves[0]!
    const scope = foldScope(first.scope)
    let key = `${scope}|${s.op}|${s.bytes}|${s.dtype}|${first.axes.length}`
    for (const save of s.saves) {
      const reason = `|${save.op} ${save.why}`
      if (!key.includes(reason)) key += reason
    }
    const row = rows.get(key)
    if (row) row.count++
    else {
      const { op, dtype, bytes } = s
      const [shape, storage_shape, text] = [sizes(first.axes), sizes(s.axes), monomial(s.axes, ITEMSIZE[s.dtype])]
      rows.set(key, { scope, op, shape, storage_shape, monomial: text, dtype, bytes, count: 1, why: reasons(s) })
    }
  }
  return rows
}

/** What is alive; storages of one kind in all layers are one line. */
export function aliveTable(live: Iterable<Live>): Map<string, AliveRow> {
  const rows = new Map<string, AliveRow>()
  for (const s of live) {
    const category = categoryOf(s)
    const scope = foldScope((category === 'activation' ? s.saves[0]?.scope : undefined) ?? s.scope)
    const key = `${scope}|${category}|${s.op}|${isFlat(s.axes) ? s.axes[0]!.name : s.bytes}|${s.dtype}`
    const row = rows.get(key)
    if (row) {
      row.count++
      row.bytes += s.bytes
    } else {
      const text = monomial(s.axes, ITEMSIZE[s.dtype])
      rows.set(key, { scope, category, op: s.op, monomial: text, bytes: s.bytes, count: 1, why: reasons(s) })
    }
  }
  return rows
}

function reasons(s: Live): { op: string; gradient: string }[] {
  const seen = new Map<string, { op: string; gradient: string }>()
  for (const { op, why } of s.saves) seen.set(`${op} ${why}`, { op, gradient: why })
  return [...seen.values()]
}

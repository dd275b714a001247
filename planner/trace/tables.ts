import { isFlat, monomial, sameAxes, sizes } from './axes.ts'
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

/** Storages of parameters side by side, whose bytes may grow with the layers, and which parameters these are. */
export function flatStorages(trace: readonly TraceEvent[]): Map<number, string> {
  const found = new Map<number, string>()
  for (const e of trace) if (e.action === 'alloc' && isFlat(e.axes)) found.set(e.storage, e.axes[0]!.name)
  return found
}

export const isSaved = (s: Live): boolean => s.saves.length > 0 && !OWNED.has(s.category)

/** Storages that no table tells apart: the same tensor of each layer. */
export interface Kind {
  readonly first: Live
  readonly scope: string
  readonly category: Category
  count: number
}

/**
 * What is alive, like storages together, in the order of the first of each kind. Tables are made of kinds: their keys are texts, and
 * there are some tens of kinds to some hundreds of storages.
 */
export const kindsOf = (live: Iterable<Live>): Kind[] =>
  grouped(
    live,
    (s) => (categoryOf(s) === 'activation' ? s.saves[0]?.scope : undefined) ?? s.scope,
    (a, b) => sameStorage(a, b) && sameAxes(a.axes, b.axes),
  )

const sameStorage = (a: Live, b: Live): boolean => a.op === b.op && a.bytes === b.bytes && a.dtype === b.dtype

function grouped(live: Iterable<Live>, scopeOf: (s: Live) => string, alike: (a: Live, b: Live) => boolean): Kind[] {
  const kinds: Kind[] = []
  const byScope = new Map<string, Kind[]>()
  for (const s of live) {
    const category = categoryOf(s)
    const scope = foldScope(scopeOf(s))
    const near = byScope.get(scope)
    const known = near?.find((k) => k.category === category && alike(k.first, s))
    if (known) {
      known.count++
      continue
    }
    const kind: Kind = { first: s, scope, category, count: 1 }
    kinds.push(kind)
    if (near) near.push(kind)
    else byScope.set(scope, [kind])
  }
  return kinds
}

/** The table of saved tensors by a key of its kind, in the order of the forward. */
export function savedTable(live: Iterable<Live>): Map<string, SavedRow> {
  const rows = new Map<string, SavedRow>()
  for (const { first: s, scope, count } of grouped(live, (s) => s.saves[0]!.scope, sameSaves)) {
    const first = s.saves[0]!
    let key = `${scope}|${s.op}|${s.bytes}|${s.dtype}|${first.axes.length}`
    for (const save of s.saves) {
      const reason = `|${save.op} ${save.why}`
      if (!key.includes(reason)) key += reason
    }
    const row = rows.get(key)
    if (row) row.count += count
    else {
      const { op, dtype, bytes } = s
      const [shape, storage_shape, text] = [sizes(first.axes), sizes(s.axes), monomial(s.axes, ITEMSIZE[s.dtype])]
      rows.set(key, { scope, op, shape, storage_shape, monomial: text, dtype, bytes, count, why: reasons(s) })
    }
  }
  return rows
}

function sameSaves(a: Live, b: Live): boolean {
  if (!sameStorage(a, b) || a.saves.length !== b.saves.length) return false
  if (a.saves[0]!.axes.length !== b.saves[0]!.axes.length) return false
  for (let i = 0; i < a.saves.length; i++) {
    const [x, y] = [a.saves[i]!, b.saves[i]!]
    if (x.op !== y.op || x.why !== y.why) return false
  }
  return true
}

/** What is alive; storages of one kind in all layers are one line. */
export function aliveTable(kinds: Iterable<Kind>): Map<string, AliveRow> {
  const rows = new Map<string, AliveRow>()
  for (const { first: s, scope, category, count } of kinds) {
    const key = `${scope}|${category}|${s.op}|${isFlat(s.axes) ? s.axes[0]!.name : s.bytes}|${s.dtype}`
    const row = rows.get(key)
    if (row) {
      row.count += count
      row.bytes += count * s.bytes
    } else {
      const text = monomial(s.axes, ITEMSIZE[s.dtype])
      rows.set(key, { scope, category, op: s.op, monomial: text, bytes: count * s.bytes, count, why: reasons(s) })
    }
  }
  return rows
}

function reasons(s: Live): { op: string; gradient: string }[] {
  const seen = new Map<string, { op: string; gradient: string }>()
  for (const { op, why } of s.saves) seen.set(`${op} ${why}`, { op, gradient: why })
  return [...seen.values()]
}

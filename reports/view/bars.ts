import type { ByteUnit } from '../../planner/trace/bytes.ts'
import { unitFor } from '../words.ts'
import type { Fit, MethodView, Part } from './method.ts'

export interface BarRow {
  readonly name: string
  readonly at: string
  readonly total: number
  readonly parts: readonly Part[]
  /** The measured peak of this very setting on this very stack, if it ran. */
  readonly measured: number | null
}
export interface BarsView {
  readonly rows: readonly BarRow[]
  readonly capacity: { readonly label: string; readonly bytes: number } | null
  readonly unit: ByteUnit
  readonly unitBytes: number
}

interface BarSource {
  readonly method: MethodView
  readonly measured: number | null
  readonly fit: Fit | null
}

/** The parts of each method's peak, in one unit. */
export function barsOf(sources: readonly BarSource[]): BarsView {
  const fit = sources.find((s) => s.fit !== null)?.fit ?? null
  const rows = sources.map(({ method, measured }) => ({
    name: method.name,
    at: method.peak.at,
    total: method.peak.bytes,
    parts: method.peak.parts,
    measured,
  }))
  const { unit, size } = unitFor(Math.max(0, ...rows.map((r) => r.total)))
  return { rows, capacity: fit && { label: fit.gpu, bytes: fit.capacity_bytes }, unit, unitBytes: size }
}

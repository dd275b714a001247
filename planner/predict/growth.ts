import { CATEGORIES } from '../trace/event.ts'
import type { ByCategory } from '../trace/reading.ts'

/** A figure of the shorter depth and of the longer one, `more` layers on: it grows by the same with each. */
export const line = (short: number, long: number, more: number): number => short + more * (long - short)

export function lines(short: ByCategory, long: ByCategory, more: number): ByCategory {
  const result: ByCategory = {}
  for (const c of CATEGORIES) {
    const v = line(short[c] ?? 0, long[c] ?? 0, more)
    if (v > 0) result[c] = v
  }
  return result
}

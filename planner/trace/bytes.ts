/** Binary units, as allocators and drivers count; decimal ones only where a vendor writes them (`80GB`). */
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
export type ByteUnit = (typeof IEC)[number]

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
}

/** Bytes for people: the largest unit that leaves at least one, two decimals from MiB up; `unit` keeps a column alike. */
export function formatBytes(bytes: number, unit?: ByteUnit): string {
  const size = Math.abs(bytes)
  const chosen = unit ?? IEC.findLast((u) => size >= UNIT_BYTES[u]!) ?? 'B'
  const value = bytes / UNIT_BYTES[chosen]!
  if (chosen === 'B') return `${value} B`
  const digits = chosen === 'KiB' || (chosen === 'MiB' && Math.abs(value) >= 10) ? 1 : 2
  return `${value.toFixed(digits)} ${chosen}`
}

/**
 * Bytes from `80GiB`, `23.5 GiB`, `80GB` (10⁹). Undefined where the text is no size: a bare number has no unit and is refused.
 */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B|B)\s*$/.exec(text)
  if (!match) return undefined
  return Math.round(Number(match[1]) * UNIT_BYTES[match[2]!]!)
}

import { type ByteUnit, formatBytes } from '../../planner/trace/bytes.ts'

/** `134 515 008` */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ' ')

/** `134.5 M` */
export function millions(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(2)} B`
  return n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : grouped(n)
}

/** `−29 %`, with a real minus sign; empty where it rounds to nothing. */
export function change(from: number, to: number): string {
  const percent = from === 0 ? 0 : Math.round((100 * (to - from)) / from)
  if (percent === 0) return ''
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent)} %`
}

/** Bytes in the reader's unit, or in the one that suits the size. */
export type Bytes = (bytes: number) => string
export const bytesIn =
  (unit: ByteUnit | undefined): Bytes =>
  (bytes) =>
    formatBytes(bytes, unit)

/** The share of a whole: `12 %`. */
export const share = (part: number, whole: number): string =>
  whole === 0 ? '' : `${Math.round((100 * part) / whole)} %`

export const plural = (n: number, word: string): string => `${grouped(n)} ${word}${n === 1 ? '' : 's'}`

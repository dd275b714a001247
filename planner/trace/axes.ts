/**
 * A named axis: `name` is the symbol of the paper's notation (b batch, t tokens, h hidden, f feed-forward width, a heads,
 * k key/value heads, d head width, V vocabulary, L layers, r rank) or a product of symbols (`b·t` after a flatten).
 */
export interface Axis {
  readonly name: string
  readonly size: number
}
export type Axes = readonly Axis[]

export const axis = (name: string, size: number): Axis => ({ name, size })

/** The axis that a reduction with `keepdim` leaves behind. */
export const ONE: Axis = { name: '1', size: 1 }

/**
 * An axis over parameters themselves, side by side in one storage: `n(all)`, `n(head)/8`. Where that is the whole model's, its size grows
 * with the layers.
 */
export const flat = (name: string, size: number, ranks = 1): Axis =>
  axis(ranks === 1 ? `n(${name})` : `n(${name})/${ranks}`, size)
export const isFlat = (axes: Axes): boolean => axes.length === 1 && axes[0]!.name.startsWith('n(')

export function numel(axes: Axes): number {
  let n = 1
  for (const a of axes) n *= a.size
  return n
}

export const sizes = (axes: Axes): number[] => axes.map((a) => a.size)

export function sameSizes(a: Axes, b: Axes): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i]!.size !== b[i]!.size) return false
  return true
}

/** The same names and sizes. */
export function sameAxes(a: Axes, b: Axes): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    if (x !== y && (x.size !== y.size || x.name !== y.name)) return false
  }
  return true
}

/** Axes multiplied into one, as a flatten does: `[b, t]` becomes `b·t`. */
export function merge(axes: Axes): Axis {
  let only: Axis | null = null
  let name = ''
  for (const a of axes) {
    if (a.size === 1 && a.name === '1') continue
    only = name === '' ? a : null
    name = name === '' ? a.name : `${name}·${a.name}`
  }
  if (only) return only
  return { name: name === '' ? '1' : name, size: numel(axes) }
}

/** The bytes of a dense tensor as a formula: `2·b·t·h` for a bfloat16 `[b, t, h]`. */
export function monomial(axes: Axes, itemsize: number): string {
  const names = axes.filter((a) => a.name !== '1').map((a) => a.name)
  return [String(itemsize), ...names].join('·')
}

/** `[b 2, t 512, h 4096]` for people. */
export const showAxes = (axes: Axes): string =>
  `[${axes.map((a) => (a.name === '1' ? '1' : `${a.name} ${a.size}`)).join(', ')}]`

/** A matrix in a heap: the index of its first element and the distance between its rows. */
export interface Place {
  readonly at: number
  readonly stride: number
}

/** Rows and columns that are read before the next ones: a block's lines stay in the first-level cache. */
const BLOCK = 32

/** Writes the transpose of `from`, `[rows, columns]`, to `to`, `[columns, rows]`. The two must not overlap. */
export function transposed(
  heap: Float32Array,
  from: Place & { readonly rows: number; readonly columns: number },
  to: Place,
): void {
  const { rows, columns } = from
  for (let i0 = 0; i0 < rows; i0 += BLOCK) {
    const i1 = Math.min(rows, i0 + BLOCK)
    for (let j0 = 0; j0 < columns; j0 += BLOCK) {
      const j1 = Math.min(columns, j0 + BLOCK)
      for (let j = j0; j < j1; j++) {
        let read = from.at + i0 * from.stride + j
        const row = to.at + j * to.stride
        for (let i = i0; i < i1; i++, read += from.stride) heap[row + i] = heap[read]!
      }
    }
  }
}

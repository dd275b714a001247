/**
 * Inverse of a symmetric positive definite `[n, n]` matrix, row by row, by Gauss and Jordan with the largest pivot. For such a
 * matrix it is the pseudo-inverse too. Throws where the matrix is singular to working precision.
 */
export function inverse(matrix: Float64Array, n: number): Float64Array {
  const a = Float64Array.from(matrix)
  const b = new Float64Array(n * n)
  for (let i = 0; i < n; i++) b[i * n + i] = 1
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(a[row * n + column]!) > Math.abs(a[pivot * n + column]!)) pivot = row
    }
    const head = a[pivot * n + column]!
    if (!(Math.abs(head) > 0)) throw new Error('A·Aᵀ is singular: two rows of A depend on each other')
    swapRows(a, pivot, column, n)
    swapRows(b, pivot, column, n)
    for (let j = 0; j < n; j++) {
      a[column * n + j]! /= head
      b[column * n + j]! /= head
    }
    for (let row = 0; row < n; row++) {
      const factor = a[row * n + column]!
      if (row === column || factor === 0) continue
      for (let j = 0; j < n; j++) {
        a[row * n + j]! -= factor * a[column * n + j]!
        b[row * n + j]! -= factor * b[column * n + j]!
      }
    }
  }
  return b
}

function swapRows(m: Float64Array, x: number, y: number, n: number): void {
  if (x === y) return
  for (let j = 0; j < n; j++) [m[x * n + j], m[y * n + j]] = [m[y * n + j]!, m[x * n + j]!]
}

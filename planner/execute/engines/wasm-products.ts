import { transposed } from './transposed.ts'
import type { WasmBackend } from './wasm.ts'

type MatrixCall = (
  aId: number,
  aShape: Uint8Array,
  aRank: number,
  bId: number,
  bShape: Uint8Array,
  bRank: number,
  transposeA: number,
  transposeB: number,
  outId: number,
) => void
type SumCall = (
  aId: number,
  aShape: Uint8Array,
  aRank: number,
  bId: number,
  bShape: Uint8Array,
  bRank: number,
  dtype: number,
  outId: number,
) => void

/** `[rows, inner] × [inner, columns]` */
export interface ProductShape {
  readonly rows: number
  readonly inner: number
  readonly columns: number
}

/** Bytes of what a product takes at once. */
export interface BlockLimits {
  /**
   * A packed right operand. XNNPACK goes through it once for every four rows of the left one: what does not stay in the cache is
   * read from memory each time. Measured at d 4096: 40 GFLOP/s up to 8 MiB, 33 at 16 MiB, 16 at 64 MiB.
   */
  readonly packed: number
  /** Scratch for a block of a left operand or of a result: turned around inside the second-level cache. */
  readonly scratch: number
}

const LIMITS: BlockLimits = { packed: 8 * 2 ** 20, scratch: 2 ** 20 }
/** XNNPACK's tile is four rows by eight columns. */
const TILE = 8

const MATRIX = ['number', 'array', 'number', 'number', 'array', 'number', 'number', 'number', 'number'] as const
const SUM = ['number', 'array', 'number', 'number', 'array', 'number', 'number', 'number'] as const
const FLOAT32 = 0

/**
 * Products of matrices that lie in the heap of tfjs's wasm engine, by byte address. Only an untransposed product of rank 2 goes to
 * XNNPACK, all else to a loop 10 to 50 times slower; and XNNPACK packs its right operand anew for each product. So the large
 * operand stands on the left wherever it may, what must be turned is the small one, and what must be packed is packed in blocks
 * that fit the cache. Scratch is taken from the heap and given back within the call.
 */
export class WasmProducts {
  readonly #backend: WasmBackend
  readonly #limits: BlockLimits
  readonly #multiply: MatrixCall
  readonly #add: SumCall

  constructor(backend: WasmBackend, limits: BlockLimits = LIMITS) {
    this.#backend = backend
    this.#limits = limits
    this.#multiply = backend.wasm.cwrap('BatchMatMul', null, MATRIX) as MatrixCall
    this.#add = backend.wasm.cwrap('Add', null, SUM) as SumCall
  }

  /** `out = a · b`, a `[rows, inner]`, b `[inner, columns]` */
  plain(a: number, b: number, out: number, shape: ProductShape): void {
    const { inner, columns } = shape
    if (4 * inner * columns <= this.#limits.packed) {
      this.#packing(b, inner, columns, (right) => this.#into(a, right, out, shape))
      return
    }
    this.#summed(b, out, shape, (heap, to, from, row, count, depth) => {
      for (let i = 0; i < count; i++) {
        const start = a / 4 + (row + i) * inner + from
        heap.copyWithin(to + i * depth, start, start + depth)
      }
    })
  }

  /** `out = aᵀ · b`, a `[inner, rows]`, b `[inner, columns]` */
  firstTurned(a: number, b: number, out: number, shape: ProductShape): void {
    this.#summed(b, out, shape, (heap, to, from, row, count, depth) => {
      const start = a / 4 + from * shape.rows + row
      transposed(heap, { at: start, stride: shape.rows, rows: depth, columns: count }, { at: to, stride: depth })
    })
  }

  /** `out = a · bᵀ`, a `[rows, inner]`, b `[columns, inner]`: as `(b · aᵀ)ᵀ` where b is the larger one, a weight `[out, in]`. */
  secondTurned(a: number, b: number, out: number, shape: ProductShape): void {
    const { rows, inner, columns } = shape
    if (columns <= rows && 4 * inner * columns <= this.#limits.packed) {
      this.#scratch(inner * columns, (turned) => {
        transposed(
          this.#heap(),
          { at: b / 4, stride: inner, rows: columns, columns: inner },
          { at: turned / 4, stride: columns },
        )
        this.plain(a, turned, out, shape)
      })
      return
    }
    const most = Math.min(rows, blockOf(this.#limits.packed, inner))
    const block = Math.min(columns, blockOf(this.#limits.scratch, most))
    this.#scratch(inner * most + block * most, (turned) => {
      const product = turned + 4 * inner * most
      for (let row = 0; row < rows; row += most) {
        const count = Math.min(most, rows - row)
        transposed(
          this.#heap(),
          { at: a / 4 + row * inner, stride: inner, rows: count, columns: inner },
          { at: turned / 4, stride: count },
        )
        this.#packing(turned, inner, count, (right) => {
          for (let column = 0; column < columns; column += block) {
            const height = Math.min(block, columns - column)
            const part = { rows: height, inner, columns: count }
            this.#into(b + 4 * column * inner, right, product, part)
            transposed(
              this.#heap(),
              { at: product / 4, stride: count, rows: height, columns: count },
              { at: out / 4 + row * columns + column, stride: columns },
            )
          }
        })
      }
    })
  }

  /**
   * `out = Σ left[:, block] · b[block, :]`, blocks of `inner` as deep as the packed part of b may be large. `fill` puts `count` rows
   * of the left operand from `row` on, their elements from `from` on, densely at an index of the heap.
   */
  #summed(
    b: number,
    out: number,
    { rows, inner, columns }: ProductShape,
    fill: (heap: Float32Array, to: number, from: number, row: number, count: number, depth: number) => void,
  ): void {
    const deep = Math.min(inner, blockOf(this.#limits.packed, columns))
    const tall = Math.min(rows, blockOf(this.#limits.scratch, Math.max(deep, columns)))
    this.#scratch(tall * (deep + columns), (left) => {
      const product = left + 4 * tall * deep
      for (let from = 0; from < inner; from += deep) {
        const depth = Math.min(deep, inner - from)
        this.#packing(b + 4 * from * columns, depth, columns, (right) => {
          for (let row = 0; row < rows; row += tall) {
            const count = Math.min(tall, rows - row)
            fill(this.#heap(), left / 4, from, row, count, depth)
            const to = out + 4 * row * columns
            const part = { rows: count, inner: depth, columns }
            this.#into(left, right, from === 0 ? to : product, part)
            if (from > 0) this.#sum(to, product, count * columns)
          }
        })
      }
    })
  }

  #into(a: number, right: number, out: number, { rows, inner, columns }: ProductShape): void {
    const [left, result] = [this.#lend(a, rows * inner), this.#lend(out, rows * columns)]
    this.#multiply(left, shapeOf(1, rows, inner), 3, right, shapeOf(1, inner, columns), 3, 0, 0, result)
    this.#return(left, result)
  }

  /** `to += by`, element by element. */
  #sum(to: number, by: number, size: number): void {
    const [sum, term] = [this.#lend(to, size), this.#lend(by, size)]
    const shape = shapeOf(size)
    this.#add(sum, shape, 1, term, shape, 1, FLOAT32, sum)
    this.#return(sum, term)
  }

  /**
   * Runs `body` with a right operand that is packed once for all its products. XNNPACK keeps the packed copy under the operand's
   * number until that is disposed, and would go on using it after the optimizer has changed the weight.
   */
  #packing(b: number, inner: number, columns: number, body: (right: number) => void): void {
    const right = this.#lend(b, inner * columns)
    try {
      body(right)
    } finally {
      this.#return(right)
    }
  }

  #scratch(elements: number, body: (at: number) => void): void {
    const at = this.#backend.wasm._malloc(4 * elements) >>> 0
    try {
      body(at)
    } finally {
      this.#backend.wasm._free(at)
    }
  }

  /** The heap as numbers. Not valid after the next allocation. */
  #heap(): Float32Array {
    return new Float32Array(this.#backend.wasm.HEAPU8.buffer)
  }

  /** A number under which the C++ side knows `size` elements from an address on. */
  #lend(at: number, size: number): number {
    const id = this.#backend.dataIdNextNumber++
    this.#backend.wasm.tfjs.registerTensor(id, size, at)
    return id
  }

  #return(...ids: readonly number[]): void {
    for (const id of ids) this.#backend.wasm.tfjs.disposeData(id)
  }
}

/** How many rows of `width` elements fit, in whole tiles. */
const blockOf = (bytes: number, width: number): number => Math.max(TILE, Math.floor(bytes / (4 * width * TILE)) * TILE)

const shapeOf = (...sizes: readonly number[]): Uint8Array => new Uint8Array(new Int32Array(sizes).buffer)

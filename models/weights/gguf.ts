import { ModelError } from '../issue.ts'
import { describeValue, printable } from '../source.ts'
import type { StoredTensor } from './weights.ts'

/** A GGUF file's metadata: keys as it has them. Of lists only the length is kept: vocabularies have a hundred thousand items. */
export interface Gguf {
  readonly keys: ReadonlyMap<string, string | number | boolean | GgufList>
  readonly tensors: readonly StoredTensor[]
}
export interface GgufList {
  readonly length: number
}

/** Elements and bytes of a block of each ggml type (ggml.c, `type_traits`), by number. */
const TYPES: Readonly<Record<number, readonly [name: string, elements: number, bytes: number]>> = {
  0: ['F32', 1, 4],
  1: ['F16', 1, 2],
  2: ['Q4_0', 32, 18],
  3: ['Q4_1', 32, 20],
  6: ['Q5_0', 32, 22],
  7: ['Q5_1', 32, 24],
  8: ['Q8_0', 32, 34],
  9: ['Q8_1', 32, 36],
  10: ['Q2_K', 256, 84],
  11: ['Q3_K', 256, 110],
  12: ['Q4_K', 256, 144],
  13: ['Q5_K', 256, 176],
  14: ['Q6_K', 256, 210],
  15: ['Q8_K', 256, 292],
  16: ['IQ2_XXS', 256, 66],
  17: ['IQ2_XS', 256, 74],
  18: ['IQ3_XXS', 256, 98],
  19: ['IQ1_S', 256, 50],
  20: ['IQ4_NL', 32, 18],
  21: ['IQ3_S', 256, 110],
  22: ['IQ2_S', 256, 82],
  23: ['IQ4_XS', 256, 136],
  24: ['I8', 1, 1],
  25: ['I16', 1, 2],
  26: ['I32', 1, 4],
  27: ['I64', 1, 8],
  28: ['F64', 1, 8],
  29: ['IQ1_M', 256, 56],
  30: ['BF16', 1, 2],
  34: ['TQ1_0', 256, 54],
  35: ['TQ2_0', 256, 66],
  39: ['MXFP4', 32, 17],
}

/** Bytes of the plain value types (gguf.h, `gguf_type`), by number; 8 is a string, 9 a list. */
const PLAIN: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const STRING = 8
const LIST = 9

const MAX_KEYS = 10_000
const MAX_TENSORS = 200_000
const MAX_STRING = 1024 * 1024
const MAX_NESTING = 2

/**
 * Reads the metadata of a GGUF file (ggml/docs/gguf.md, versions 2 and 3, little-endian).
 *
 * @param bytes the beginning of the file, with all of its metadata: vocabularies take a few MB
 * @throws ModelError at the byte where it is none, or where counts and lengths go beyond what was given
 */
export function readGguf(bytes: Uint8Array, label: string): Gguf {
  return new GgufReader(bytes, label).file()
}

/** The magic of the format. */
export const isGguf = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x47 && bytes[1] === 0x47 && bytes[2] === 0x55 && bytes[3] === 0x46

class GgufReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #label: string
  #at = 0

  constructor(bytes: Uint8Array, label: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#label = label
  }

  file(): Gguf {
    if (!isGguf(this.#bytes)) this.#fail('does not begin with GGUF', 'a GGUF file')
    this.#at = 4
    const version = this.#u32()
    if (version !== 2 && version !== 3) this.#fail(`has version ${version}`, 'version 2 or 3, little-endian')
    const tensors = this.#count('tensors', MAX_TENSORS)
    const entries = this.#count('keys', MAX_KEYS)
    const keys = new Map<string, string | number | boolean | GgufList>()
    for (let i = 0; i < entries; i++) {
      const key = this.#string()
      if (keys.has(key)) this.#fail(`has the key ${printable(key)} twice`, 'each key once')
      keys.set(key, this.#value(this.#u32(), 0))
    }
    return { keys, tensors: Array.from({ length: tensors }, () => this.#tensor()) }
  }

  #value(type: number, depth: number): string | number | boolean | GgufList {
    if (type === STRING) return this.#string()
    if (type === LIST) return this.#list(depth)
    const size = PLAIN[type]
    if (size === undefined) return this.#fail(`has a value of type ${type}`, 'a type of gguf.h')
    const at = this.#take(size)
    const view = this.#view
    switch (type) {
      case 0:
        return view.getUint8(at)
      case 1:
        return view.getInt8(at)
      case 2:
        return view.getUint16(at, true)
      case 3:
        return view.getInt16(at, true)
      case 4:
        return view.getUint32(at, true)
      case 5:
        return view.getInt32(at, true)
      case 6:
        return view.getFloat32(at, true)
      case 7:
        return view.getUint8(at) !== 0
      case 10:
        return Number(view.getBigUint64(at, true))
      case 11:
        return Number(view.getBigInt64(at, true))
      default:
        return view.getFloat64(at, true)
    }
  }

  /** Goes over a list without keeping it. */
  #list(depth: number): GgufList {
    if (depth >= MAX_NESTING) this.#fail('nests lists', `at most ${MAX_NESTING} lists in each other`)
    const type = this.#u32()
    const length = this.#count('items', this.#bytes.length)
    const size = PLAIN[type]
    if (size !== undefined) this.#take(size * length)
    else
      for (let i = 0; i < length; i++)
        if (type === STRING) this.#skipString()
        else this.#value(type, depth + 1)
    return { length }
  }

  #tensor(): StoredTensor {
    const name = this.#string()
    const rank = this.#u32()
    if (rank > 8) this.#fail(`has a tensor of ${rank} dimensions`, 'at most 8')
    // the innermost dimension comes first
    const shape = Array.from({ length: rank }, () => this.#u64()).reverse()
    const type = TYPES[this.#u32()]
    if (type === undefined) return this.#fail(`holds ${printable(name)} in an unknown type`, 'a type of ggml.h')
    this.#take(8)
    const [dtype, elements, bytes] = type
    const size = shape.reduce((n, s) => n * s, 1)
    if (!Number.isSafeInteger(size)) this.#fail(`holds ${printable(name)} with ${size} elements`, 'a size that can be')
    return { name, dtype, shape, bytes: Math.ceil(size / elements) * bytes }
  }

  #count(what: string, most: number): number {
    const count = this.#u64()
    if (count > most) this.#fail(`announces ${count} ${what}`, `at most ${most}`)
    return count
  }

  #string(): string {
    const length = this.#u64()
    if (length > MAX_STRING) this.#fail(`has a text of ${length} bytes`, `at most ${MAX_STRING}`)
    const at = this.#take(length)
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length))
  }

  #skipString(): void {
    const length = this.#u64()
    this.#take(length)
  }

  #u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  #u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true))
  }

  /** Where so many bytes begin, after going over them. */
  #take(size: number): number {
    const at = this.#at
    if (!(size <= this.#bytes.length - at))
      this.#fail(`ends after ${this.#bytes.length} bytes of metadata`, `${size} more`)
    this.#at += size
    return at
  }

  #fail(message: string, expected: string): never {
    const where = `${this.#label} byte ${this.#at}`
    throw new ModelError([{ code: 'structure', where, message, expected, next: 'Is the file whole, and a GGUF file?' }])
  }
}

/** A key that has to be a whole number. @throws ModelError */
export function ggufInteger({ keys }: Gguf, key: string, label: string): number | undefined {
  const value = keys.get(key)
  if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value
  const message = typeof value === 'object' ? 'is a list: one value a layer' : `is ${describeValue(value)}`
  const next = 'Layers that differ are not modelled.'
  throw new ModelError([{ code: 'wrong-type', where: `${label} ${key}`, message, expected: 'a whole number', next }])
}

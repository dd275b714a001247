import { PickleError } from './errors.ts'

const SHORT = 48

/** Walks over the bytes of a pickle. Nothing is given memory before the bytes for it are known to be there. */
export class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true })
  at = 0
  /** Where the opcode began that is being read: errors point to it. */
  opcodeAt = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  opcode(): number {
    this.opcodeAt = this.at
    return this.uint1('an opcode')
  }

  uint1(what: string): number {
    return this.#bytes[this.#take(1, what)]!
  }

  uint2(what: string): number {
    return this.#view.getUint16(this.#take(2, what), true)
  }

  uint4(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true)
  }

  int4(what: string): number {
    return this.#view.getInt32(this.#take(4, what), true)
  }

  /** A length of eight bytes; one beyond 2⁵³ is rounded, which is far beyond any limit. */
  uint8(what: string): number {
    return Number(this.#view.getBigUint64(this.#take(8, what), true))
  }

  /** Big-endian, as BINFLOAT has it. */
  double(what: string): number {
    return this.#view.getFloat64(this.#take(8, what), false)
  }

  /** Two's complement, little-endian, of so many bytes. */
  integer(size: number): number | bigint {
    const start = this.#take(size, `an integer of ${size} bytes`)
    let value = 0n
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]!)
    const signed = size === 0 ? 0n : BigInt.asIntN(8 * size, value)
    const near = Number(signed)
    return Number.isSafeInteger(near) ? near : signed
  }

  /** UTF-8 of so many bytes. Most texts are short and ASCII: those need no decoder. */
  text(size: number): string {
    const start = this.#take(size, `a text of ${size} bytes`)
    const end = start + size
    if (size <= SHORT) {
      let text = ''
      let at = start
      for (; at < end && this.#bytes[at]! < 0x80; at++) text += String.fromCharCode(this.#bytes[at]!)
      if (at === end) return text
    }
    try {
      return this.#utf8.decode(this.#bytes.subarray(start, end))
    } catch {
      throw new PickleError('malformed', this.opcodeAt, 'a text that is not UTF-8')
    }
  }

  /** A line of ASCII as GLOBAL has it, for showing only; what is no printable character becomes `?`. */
  shownLine(limit: number): string {
    let shown = ''
    while (this.at < this.#bytes.length && shown.length < limit) {
      const byte = this.#bytes[this.at++]!
      if (byte === 0x0a) break
      shown += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?'
    }
    return shown
  }

  #take(size: number, what: string): number {
    const start = this.at
    if (size > this.left) {
      const there =
        this.left === 0 ? 'nothing is left' : `${this.left} ${this.left === 1 ? 'byte is' : 'bytes are'} left`
      throw new PickleError('truncated', this.opcodeAt, `the file ends in the middle of ${what}: ${there}`)
    }
    this.at += size
    return start
  }
}

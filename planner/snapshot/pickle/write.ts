import { OP } from './opcode.ts'
import { Dict, List, type PickleValue, Tuple } from './value.ts'

/** As many values go between MARK and APPENDS as in Python's own pickler; a viewer in JavaScript takes them as arguments of one call. */
const BATCH = 1000

/**
 * Writes a pickle of protocol 2 with the opcodes that Python, PyTorch's memory viewer (torch/utils/viz/MemoryViz.js, unpickle) and
 * `readPickle` all read. A text, list, tuple or dict that stands at several places is written once.
 *
 * @throws RangeError for a number that is no integer beyond 2⁵³, where the exact value is not known
 */
export function writePickle(value: PickleValue): Uint8Array {
  const writer = new Writer(repeated(value))
  writer.byte(OP.PROTO)
  writer.byte(2)
  writer.value(value)
  writer.byte(OP.STOP)
  return writer.done()
}

type Shared = string | List | Tuple | Dict

/** What stands at more than one place: only that needs an entry of the memo. */
function repeated(root: PickleValue): Set<Shared> {
  const once = new Set<Shared>()
  const often = new Set<Shared>()
  const queue: PickleValue[] = [root]
  for (let v = queue.pop(); v !== undefined; v = queue.pop()) {
    if (typeof v !== 'string' && !(v instanceof List || v instanceof Tuple || v instanceof Dict)) continue
    if (once.has(v)) {
      often.add(v)
      continue
    }
    once.add(v)
    if (v instanceof Dict) {
      for (const item of v.keys) queue.push(item)
      for (const item of v.values) queue.push(item)
    } else if (typeof v !== 'string') for (const item of v.items) queue.push(item)
  }
  return often
}

class Writer {
  readonly #often: ReadonlySet<Shared>
  readonly #memo = new Map<Shared, number>()
  readonly #utf8 = new TextEncoder()
  #bytes = new Uint8Array(1 << 16)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  constructor(often: ReadonlySet<Shared>) {
    this.#often = often
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  value(v: PickleValue): void {
    if (v === null) this.byte(OP.NONE)
    else if (typeof v === 'boolean') this.byte(v ? OP.NEWTRUE : OP.NEWFALSE)
    else if (typeof v === 'bigint') this.#long(v)
    else if (typeof v === 'number') {
      if (Number.isInteger(v)) this.#integer(v)
      else this.#double(v)
    } else this.#shared(v)
  }

  #shared(v: Shared): void {
    const known = this.#memo.get(v)
    if (known !== undefined) this.#indexed(OP.BINGET, OP.LONG_BINGET, known)
    else if (typeof v === 'string') this.#text(v)
    else if (v instanceof Tuple) this.#tuple(v)
    else if (v instanceof List) this.#list(v)
    else this.#dict(v)
  }

  #integer(v: number): void {
    if (!Number.isSafeInteger(v)) throw new RangeError(`${v} is no exact integer; give a bigint`)
    if (v >= 0 && v < 0x100) {
      this.byte(OP.BININT1)
      this.byte(v)
    } else if (v >= 0 && v < 0x10000) {
      this.byte(OP.BININT2)
      this.byte(v & 0xff)
      this.byte(v >> 8)
    } else if (v === (v | 0)) {
      this.byte(OP.BININT)
      this.#int4(v)
    } else this.#long(BigInt(v))
  }

  /** The shortest two's complement, as Python's `encode_long`. */
  #long(v: bigint): void {
    const digits: number[] = []
    let rest = v
    do {
      digits.push(Number(rest & 0xffn))
      rest >>= 8n
    } while ((rest !== 0n || digits.at(-1)! >= 0x80) && (rest !== -1n || digits.at(-1)! < 0x80))
    this.byte(OP.LONG1)
    this.byte(digits.length)
    for (const digit of digits) this.byte(digit)
  }

  #double(v: number): void {
    this.byte(OP.BINFLOAT)
    this.#room(8)
    this.#view.setFloat64(this.#at, v, false)
    this.#at += 8
  }

  #int4(v: number): void {
    this.#room(4)
    this.#view.setInt32(this.#at, v, true)
    this.#at += 4
  }

  #text(v: string): void {
    const encoded = this.#utf8.encode(v)
    this.byte(OP.BINUNICODE)
    this.#int4(encoded.length)
    this.#room(encoded.length)
    this.#bytes.set(encoded, this.#at)
    this.#at += encoded.length
    this.#remember(v)
  }

  #tuple(v: Tuple): void {
    this.byte(OP.MARK)
    for (const item of v.items) this.value(item)
    this.byte(OP.TUPLE)
    this.#remember(v)
  }

  /** Remembered before its items are written, as Python does it: they may refer to it. */
  #list(v: List): void {
    this.byte(OP.EMPTY_LIST)
    this.#remember(v)
    for (let i = 0; i < v.items.length; i += BATCH) {
      this.byte(OP.MARK)
      for (const item of v.items.slice(i, i + BATCH)) this.value(item)
      this.byte(OP.APPENDS)
    }
  }

  #dict(v: Dict): void {
    this.byte(OP.EMPTY_DICT)
    this.#remember(v)
    for (let i = 0; i < v.keys.length; i += BATCH) {
      this.byte(OP.MARK)
      const end = Math.min(v.keys.length, i + BATCH)
      for (let j = i; j < end; j++) {
        this.value(v.keys[j]!)
        this.value(v.values[j]!)
      }
      this.byte(OP.SETITEMS)
    }
  }

  #remember(v: Shared): void {
    if (!this.#often.has(v)) return
    const index = this.#memo.size
    this.#memo.set(v, index)
    this.#indexed(OP.BINPUT, OP.LONG_BINPUT, index)
  }

  #indexed(short: number, long: number, index: number): void {
    if (index < 0x100) {
      this.byte(short)
      this.byte(index)
      return
    }
    this.byte(long)
    this.#int4(index)
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    const larger = new Uint8Array(2 * this.#bytes.length + size)
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

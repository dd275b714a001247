import { Cursor } from './cursor.ts'
import { PickleError, type PickleFault } from './errors.ts'
import { PICKLE_LIMITS, type PickleLimits } from './limits.ts'
import { CODE_RUNNING, OP, OPCODE_NAMES } from './opcode.ts'
import { type Container, Dict, isContainer, List, type PickleValue, Tuple } from './value.ts'

/**
 * Reads the pickles that `torch.cuda.memory._dump_snapshot` writes (Python's pickler, protocols 2 to 5) and those of
 * torch/csrc/cuda/memory_snapshot.cpp: lists, tuples, dicts with texts as keys, texts, numbers, True, False and None. Whatever
 * would look a name up or call it is refused where it stands; nothing is executed, and no length in the file is trusted.
 *
 * @throws PickleError with the offset of the opcode that was refused
 */
export function readPickle(bytes: Uint8Array, limits: PickleLimits = PICKLE_LIMITS): PickleValue {
  if (bytes.length > limits.bytes) {
    throw new PickleError('too-large', 0, `has ${bytes.length} bytes; at most ${limits.bytes} are read`)
  }
  return new Machine(new Cursor(bytes), limits).run()
}

const FIRST_PROTOCOL = 2
const LAST_PROTOCOL = 5
const SHOWN_NAME = 60

/** The stack machine that a pickle is a program for, with only the opcodes that build plain values. */
class Machine {
  readonly #in: Cursor
  readonly #limits: PickleLimits
  readonly #stack: PickleValue[] = []
  readonly #marks: number[] = []
  readonly #memo: PickleValue[] = []
  #memoized = 0
  #containers = 0
  #code = 0

  constructor(cursor: Cursor, limits: PickleLimits) {
    this.#in = cursor
    this.#limits = limits
  }

  run(): PickleValue {
    this.#protocol()
    for (;;) {
      this.#code = this.#in.opcode()
      if (this.#code === OP.STOP) return this.#stop()
      this.#step()
    }
  }

  #protocol(): void {
    if (this.#in.opcode() !== OP.PROTO) throw this.#error('malformed', 'is no pickle of protocol 2 to 5')
    const version = this.#in.uint1('the protocol')
    if (version < FIRST_PROTOCOL || version > LAST_PROTOCOL)
      throw this.#error('unsupported', `protocol ${version}; expected ${FIRST_PROTOCOL} to ${LAST_PROTOCOL}`)
  }

  #stop(): PickleValue {
    const [value, ...more] = this.#stack
    if (value === undefined || more.length > 0 || this.#marks.length > 0)
      throw this.#error('malformed', `STOP with ${this.#stack.length} values on the stack; expected one`)
    if (this.#in.left > 0) throw this.#error('malformed', `${this.#in.left} bytes follow the end of the pickle`)
    return value
  }

  #step(): void {
    const made = this.#made()
    if (made === undefined) this.#built()
    else this.#push(made)
  }

  /** Opcodes that put a value on the stack; undefined where it is another. */
  #made(): PickleValue | undefined {
    const from = this.#in
    switch (this.#code) {
      case OP.NONE:
        return null
      case OP.NEWTRUE:
        return true
      case OP.NEWFALSE:
        return false
      case OP.BININT:
        return from.int4('an integer')
      case OP.BININT1:
        return from.uint1('an integer')
      case OP.BININT2:
        return from.uint2('an integer')
      case OP.LONG1:
        return this.#integer(from.uint1('the length of an integer'))
      case OP.LONG4:
        return this.#integer(from.uint4('the length of an integer'))
      case OP.BINFLOAT:
        return from.double('a number')
      case OP.SHORT_BINUNICODE:
        return this.#text(from.uint1('the length of a text'))
      case OP.BINUNICODE:
        return this.#text(from.uint4('the length of a text'))
      case OP.BINUNICODE8:
        return this.#text(from.uint8('the length of a text'))
      case OP.EMPTY_LIST:
        return this.#counted(new List())
      case OP.EMPTY_DICT:
        return this.#counted(new Dict())
      case OP.EMPTY_TUPLE:
        return this.#tuple([])
      case OP.TUPLE1:
        return this.#tuple(this.#popped(1))
      case OP.TUPLE2:
        return this.#tuple(this.#popped(2))
      case OP.TUPLE3:
        return this.#tuple(this.#popped(3))
      case OP.TUPLE:
        return this.#tuple(this.#sinceMark())
      case OP.BINGET:
        return this.#remembered(from.uint1('an index of the memo'))
      case OP.LONG_BINGET:
        return this.#remembered(from.uint4('an index of the memo'))
      default:
        return undefined
    }
  }

  /** Opcodes that change what is on the stack, or only note something. */
  #built(): void {
    const from = this.#in
    switch (this.#code) {
      case OP.MARK:
        this.#mark()
        break
      case OP.APPEND:
        this.#append(this.#popped(1))
        break
      case OP.APPENDS:
        this.#append(this.#sinceMark())
        break
      case OP.SETITEM:
        this.#setItems(this.#popped(2))
        break
      case OP.SETITEMS:
        this.#setItems(this.#sinceMark())
        break
      case OP.BINPUT:
        this.#remember(from.uint1('an index of the memo'))
        break
      case OP.LONG_BINPUT:
        this.#remember(from.uint4('an index of the memo'))
        break
      case OP.MEMOIZE:
        this.#remember(this.#memoized)
        break
      case OP.FRAME:
        this.#frame(from.uint8('the length of a frame'))
        break
      default:
        throw this.#refused()
    }
  }

  #mark(): void {
    if (this.#marks.length >= this.#limits.marks) throw this.#tooMany('open marks', this.#limits.marks)
    this.#marks.push(this.#stack.length)
  }

  #push(value: PickleValue): void {
    if (this.#stack.length >= this.#limits.stack) throw this.#tooMany('values on the stack', this.#limits.stack)
    this.#stack.push(value)
  }

  #counted<C extends Container>(made: C): C {
    if (++this.#containers > this.#limits.containers) throw this.#tooMany('lists and dicts', this.#limits.containers)
    return made
  }

  #integer(size: number): number | bigint {
    const { integer } = this.#limits
    if (size > integer) throw this.#error('too-large', `an integer of ${size} bytes; at most ${integer} are read`)
    return this.#in.integer(size)
  }

  /** A text that the file cannot hold is a truncation, whatever length it claims. */
  #text(size: number): string {
    const { text } = this.#limits
    if (size > text && size <= this.#in.left)
      throw this.#error('too-large', `a text of ${size} bytes; at most ${text} are read`)
    return this.#in.text(size)
  }

  /** A frame says how much may be read ahead; all there is has been read already. */
  #frame(size: number): void {
    const { left } = this.#in
    if (size > left) throw this.#error('truncated', `a frame of ${size} bytes is announced; ${left} are left`)
  }

  /** Values above the last mark, which is taken off. */
  #sinceMark(): PickleValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.#error('malformed', `${this.#name} without a MARK`)
    return this.#stack.splice(mark)
  }

  #popped(count: number): PickleValue[] {
    const start = this.#stack.length - count
    if (start < this.#floor) throw this.#error('malformed', `${this.#name} finds too few values`)
    return this.#stack.splice(start)
  }

  #tuple(items: PickleValue[]): Tuple {
    const made = this.#counted(new Tuple(items))
    for (const item of items) this.#nest(made, item)
    return made
  }

  #append(items: readonly PickleValue[]): void {
    const target = this.#top
    if (!(target instanceof List)) throw this.#error('malformed', `${this.#name} finds no list to append to`)
    for (const item of items) {
      this.#nest(target, item)
      target.items.push(item)
    }
  }

  #setItems(items: readonly PickleValue[]): void {
    const target = this.#top
    if (!(target instanceof Dict)) throw this.#error('malformed', `${this.#name} finds no dict to set items of`)
    if (items.length % 2 === 1) throw this.#error('malformed', `${this.#name} finds a key without a value`)
    for (let i = 0; i < items.length; i += 2) {
      const [key, value] = [items[i]!, items[i + 1]!]
      if (typeof key !== 'string') throw this.#error('unsupported', 'a dict has a key that is no text')
      this.#nest(target, value)
      target.set(key, value)
    }
  }

  #remember(index: number): void {
    const value = this.#top
    if (value === undefined) throw this.#error('malformed', `${this.#name} finds nothing to remember`)
    if (index >= this.#limits.memo) throw this.#tooMany('entries of the memo', this.#limits.memo)
    if (this.#memo[index] === undefined) this.#memoized++
    this.#memo[index] = value
  }

  #remembered(index: number): PickleValue {
    const value = this.#memo[index]
    if (value === undefined) throw this.#error('malformed', `entry ${index} of the memo was never written`)
    return value
  }

  /** Nothing that reads what was built may have to go deeper than this. */
  #nest(outer: Container, inner: PickleValue): void {
    if (!isContainer(inner) || inner.depth < outer.depth) return
    outer.depth = inner.depth + 1
    if (outer.depth > this.#limits.depth) throw this.#tooMany('containers inside one another', this.#limits.depth)
  }

  /** Values below belong to what an open mark interrupted. */
  get #floor(): number {
    return this.#marks.at(-1) ?? 0
  }

  get #top(): PickleValue | undefined {
    return this.#stack.length > this.#floor ? this.#stack.at(-1) : undefined
  }

  get #name(): string {
    return OPCODE_NAMES.get(this.#code) ?? `0x${this.#code.toString(16).padStart(2, '0')}`
  }

  #error(fault: PickleFault, message: string): PickleError {
    return new PickleError(fault, this.#in.opcodeAt, message)
  }

  #tooMany(what: string, most: number): PickleError {
    return this.#error('too-large', `more than ${most} ${what}`)
  }

  #refused(): PickleError {
    if (!OPCODE_NAMES.has(this.#code)) return this.#error('malformed', `${this.#name} is no opcode`)
    if (!CODE_RUNNING.has(this.#code))
      return this.#error('unsupported', `opcode ${this.#name}, which no memory snapshot has`)
    return this.#error('executes', `opcode ${this.#name}${this.#target}: this file would run code in Python`)
  }

  /** What GLOBAL, INST or STACK_GLOBAL would look up, for showing only. */
  get #target(): string {
    const names =
      this.#code === OP.STACK_GLOBAL
        ? this.#stack.slice(-2).map((v) => (typeof v === 'string' ? v : ''))
        : this.#code === OP.GLOBAL || this.#code === OP.INST
          ? [this.#in.shownLine(SHOWN_NAME), this.#in.shownLine(SHOWN_NAME)]
          : []
    const whole = names.length === 2 && names.every((n) => /^[\w.?]{1,60}$/.test(n))
    return whole ? ` (${names.join('.')})` : ''
  }
}

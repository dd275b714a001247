import type { DataId } from '@tensorflow/tfjs-core'
import type { Axes } from '../trace/axes.ts'
import { type DType, ITEMSIZE } from '../trace/dtype.ts'
import type { Category } from '../trace/event.ts'
import type { StorageTable, TableEntry } from './engines/engine.ts'
import { EngineError } from './errors.ts'
import type { Held, Recorder } from './recorder.ts'

/** What the next storage is meant to be: names for its axes, which the engine's table does not know. */
export interface Expectation {
  readonly axes: Axes
  readonly dtype: DType
}

const attached = new WeakSet<StorageTable>()

/**
 * The measured side of every allocation and release: it follows the engine's own storage table, entry by entry, whoever makes
 * it. Bytes are the table's; the executor only lends the names of the axes.
 */
export class Ledger {
  readonly #recorder: Recorder
  readonly #table: StorageTable
  readonly #held = new Map<DataId, Held>()
  readonly #set: StorageTable['set']
  readonly #delete: StorageTable['delete']
  #storages = 0
  #bytes = 0
  expected: Expectation | null = null
  category: Category = 'temporary'

  /** Throws `EngineError` where another ledger follows the table already: two would both claim the same bytes. */
  constructor(table: StorageTable, recorder: Recorder) {
    if (attached.has(table)) {
      throw new EngineError('engine-busy', 'ledger', 'another executor runs on this engine', 'Close it first.')
    }
    attached.add(table)
    this.#table = table
    this.#recorder = recorder
    this.#set = table.set
    this.#delete = table.delete
    table.set = (id, entry) => {
      this.#set.call(table, id, entry)
      this.#enter(id, entry)
    }
    table.delete = (id) => {
      const there = this.#delete.call(table, id)
      this.#leave(id)
      return there
    }
  }

  /** Live bytes of the storages that came since the ledger was attached. */
  get bytes(): number {
    return this.#bytes
  }

  /** Number of live storages since the ledger was attached. */
  get count(): number {
    return this.#held.size
  }

  /** The storage behind a tensor. Throws where the engine made it before the ledger came. */
  of(id: DataId): Held {
    const held = this.#held.get(id)
    if (!held) throw new Error('a tensor of this run is in a storage that the ledger has not seen')
    return held
  }

  /** Leaves the table as it was found. */
  detach(): void {
    attached.delete(this.#table)
    this.#table.set = this.#set
    this.#table.delete = this.#delete
  }

  #enter(id: DataId, entry: TableEntry): void {
    const known = this.#held.get(id)
    if (known) this.#leave(id)
    const size = elements(entry)
    const dtype = entry.dtype as DType
    const bytes = size * (ITEMSIZE[dtype] ?? 4)
    const held = { id: this.#storages++, bytes }
    this.#held.set(id, held)
    this.#bytes += bytes
    const { expected } = this
    const named = expected && expected.dtype === dtype && bytes === bytesOf(expected) ? expected.axes : null
    this.#recorder.alloc(held, named ?? (size === 1 ? [] : [{ name: `${size}`, size }]), dtype, this.category)
  }

  #leave(id: DataId): void {
    const held = this.#held.get(id)
    if (!held) return
    this.#held.delete(id)
    this.#bytes -= held.bytes
    this.#recorder.note('free', held)
  }
}

/** wasm's table keeps shapes, cpu's the values themselves. */
function elements({ shape, values }: TableEntry): number {
  if (shape) return shape.reduce((n, s) => n * s, 1)
  return values?.length ?? 0
}

const bytesOf = ({ axes, dtype }: Expectation): number => axes.reduce((n, a) => n * a.size, ITEMSIZE[dtype])

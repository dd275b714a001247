import type { DataId } from '@tensorflow/tfjs-core'
import { type Axes, numel } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Category } from '../trace/event.ts'
import type { Engine, StorageTable, TableEntry } from './engines/engine.ts'
import { EngineError } from './errors.ts'
import type { Held, Recorder } from './recorder.ts'

/** What the next storage is meant to be: names for its axes, which the engine's table does not know. */
export interface Expectation {
  readonly axes: Axes
  readonly dtype: DType
}

/** A storage with the number of table entries over it. */
interface Shared extends Held {
  readonly key: unknown
  entries: number
}

const attached = new WeakSet<StorageTable>()

/**
 * The measured side of every allocation and release: it follows the engine's own storage table, entry by entry, whoever makes
 * it. Bytes are the table's; the executor only lends the names of the axes.
 */
export class Ledger {
  readonly #recorder: Recorder
  readonly #engine: Pick<Engine, 'table' | 'storage' | 'itemsize'>
  readonly #table: StorageTable
  readonly #held = new Map<DataId, Shared>()
  readonly #byKey = new Map<unknown, Shared>()
  readonly #set: StorageTable['set']
  readonly #delete: StorageTable['delete']
  #storages = 0
  #bytes = 0
  expected: Expectation | null = null
  category: Category = 'temporary'

  /** Throws `EngineError` where another ledger follows the table already: two would both claim the same bytes. */
  constructor(engine: Pick<Engine, 'table' | 'storage' | 'itemsize'>, recorder: Recorder) {
    const { table } = engine
    if (attached.has(table)) {
      throw new EngineError('engine-busy', 'ledger', 'another executor runs on this engine', 'Close it first.')
    }
    attached.add(table)
    this.#engine = engine
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
    return this.#byKey.size
  }

  /** Entries of the table over a tensor's storage: more than one where an alias has an entry of its own. */
  entries(id: DataId): number {
    return this.#held.get(id)?.entries ?? 0
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
    if (this.#held.has(id)) this.#leave(id)
    const storage = this.#engine.storage(id, entry)
    if (!storage) return
    const { dtype, elements: size, key } = storage
    const shared = this.#byKey.get(key)
    if (shared) {
      shared.entries++
      this.#held.set(id, shared)
      return
    }
    const bytes = size * this.#engine.itemsize[dtype]
    const held = { id: this.#storages++, bytes, key, entries: 1 }
    this.#held.set(id, held)
    this.#byKey.set(key, held)
    this.#bytes += bytes
    const { expected } = this
    const named = expected && expected.dtype === dtype && size === numel(expected.axes) ? expected.axes : null
    this.#recorder.alloc(held, named ?? (size === 1 ? [] : [{ name: `${size}`, size }]), dtype, this.category)
  }

  #leave(id: DataId): void {
    const held = this.#held.get(id)
    if (!held) return
    this.#held.delete(id)
    if (--held.entries > 0) return
    this.#byKey.delete(held.key)
    this.#bytes -= held.bytes
    this.#recorder.note('free', held)
  }
}

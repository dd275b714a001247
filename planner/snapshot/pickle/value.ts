/** A Python list; the same object where the pickle refers to it again. */
export class List {
  readonly items: PickleValue[] = []
  /** Levels of containers in it, itself counted. */
  depth = 1
}

/** A Python tuple. */
export class Tuple {
  readonly items: readonly PickleValue[]
  depth = 1

  constructor(items: readonly PickleValue[]) {
    this.items = items
  }
}

/** A Python dict with texts as keys. Entries stand in the order they were set; of a key that comes twice the last holds. */
export class Dict {
  readonly keys: string[] = []
  readonly values: PickleValue[] = []
  depth = 1

  get(key: string): PickleValue | undefined {
    const at = this.keys.lastIndexOf(key)
    return at === -1 ? undefined : this.values[at]
  }

  set(key: string, value: PickleValue): this {
    this.keys.push(key)
    this.values.push(value)
    return this
  }
}

export type Container = List | Tuple | Dict

/** What a memory snapshot is made of. Integers that a double cannot hold exactly are bigints; other numbers are numbers. */
export type PickleValue = null | boolean | number | bigint | string | Container

export const isContainer = (v: PickleValue): v is Container =>
  v instanceof Dict || v instanceof List || v instanceof Tuple

/** Shorthands for what is written. */
export const dict = (entries: Readonly<Record<string, PickleValue>>): Dict => {
  const made = new Dict()
  for (const [key, value] of Object.entries(entries)) made.set(key, value)
  return made
}

export const list = (items: Iterable<PickleValue>): List => {
  const made = new List()
  for (const item of items) made.items.push(item)
  return made
}

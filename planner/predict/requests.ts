import { FREE, type ReadRequests, RequestList, type Requests, requestsOf } from '../allocate/torch-cuda/index.ts'
import { placeOf } from '../trace/scope.ts'
import { byTurn, type Depths, isWorthwhile, type Runs } from './depths.ts'
import { line } from './growth.ts'
import type { Stretch } from './repetition.ts'

/**
 * What a setting asks of its device's allocator: the requests of its full trace, worked out from those of a few layers where the events
 * repeat with them. Throws `Refusal` for what is not modelled.
 */
export function requestsFor(runs: Runs): Requests {
  const depth = byTurn(runs.model, runs.train)
  const grown = depth && isWorthwhile(depth) ? growRequests(runs.at(depth)) : null
  return grown ?? requestsOf(runs.whole().events)
}

/** Null where the longer trace does not repeat the shorter, or where what comes out is no account of storages. */
export function growRequests({ short, long, stretches, more }: Depths): Requests | null {
  if (!stretches) return null
  const [a, b] = [requestsOf(short.events), requestsOf(long.events)]
  const load = grow(a.load, b.load, stretches, more)
  const first = grow(a.first, b.first, stretches, more)
  const steady = grow(a.steady, b.steady, stretches, more)
  return load && first && steady && isAccount([load, first, steady]) ? { load, first, steady } : null
}

/** Requests at both depths as those of all layers: storages and layers are numbered on as `expand` does it for events. */
function grow(
  short: ReadRequests,
  long: ReadRequests,
  stretches: readonly Stretch[],
  more: number,
): RequestList | null {
  const grown = new RequestList(short.buffers)
  /** A request outside the inserted blocks; false where the two are not the same one. */
  const place = (i: number, j: number): boolean => {
    const bytes = grownBytes(short, i, long, j, more)
    if (bytes === null) return false
    const [{ pattern, layer }, next] = [placeOf(short.scopes[i]!), placeOf(long.scopes[j]!).layer]
    const scope = next === layer ? short.scopes[i]! : pattern.at(line(layer, next, more))
    grown.push(bytes, short.events[i]!, line(short.storages[i]!, long.storages[j]!, more), scope)
    return true
  }
  for (const { short: range, long: longRange, at, block } of stretches) {
    const seam = longRange[0] + at - range[0]
    const [from, middle, to] = [short.from(range[0]), short.from(at), short.from(range[1])]
    const [longFrom, longMiddle, longTo] = [long.from(longRange[0]), long.from(seam), long.from(longRange[1])]
    const inserted = long.from(seam + block) - longMiddle
    if (middle - from !== longMiddle - longFrom || to - middle + inserted !== longTo - longMiddle) return null
    for (let i = from; i < middle; i++) if (!place(i, longFrom + i - from)) return null
    const copies = copiesOf(short, middle, long, longMiddle, inserted, more)
    if (!copies) return null
    for (let copy = 0; copy < more; copy++) {
      for (const { bytes, event, storage, storageStep, pattern, layer, layerStep } of copies)
        grown.push(
          bytes,
          event,
          storage + copy * storageStep,
          pattern ? pattern.at(layer + copy * layerStep) : event.scope,
        )
    }
    for (let i = middle; i < to; i++) if (!place(i, longTo - (to - i))) return null
  }
  return grown
}

/**
 * The requests of one inserted block, and how their numbers go on from one copy to the next. In the longer trace the block stands at `j`, and
 * its next copy behind it. Null where the three are not the same.
 */
function copiesOf(short: ReadRequests, i: number, long: ReadRequests, j: number, block: number, more: number) {
  const copies = []
  for (let o = 0; o < block; o++) {
    const [a, b, c] = [i + o, j + o, j + block + o]
    const bytes = short.bytes[a]!
    if (!isSame(short, a, long, b) || !isSame(short, a, long, c)) return null
    const [p, q, r] = [placeOf(short.scopes[a]!), placeOf(long.scopes[b]!), placeOf(long.scopes[c]!)]
    copies.push({
      bytes,
      event: short.events[a]!,
      storage: line(short.storages[a]!, long.storages[b]!, more),
      storageStep: long.storages[c]! - long.storages[b]!,
      pattern: p.layer < 0 ? null : p.pattern,
      layer: line(p.layer, q.layer, more),
      layerStep: r.layer - q.layer,
    })
  }
  return copies
}

/** Bytes of a request at the whole depth; null where the two depths ask for different things. */
function grownBytes(short: ReadRequests, i: number, long: ReadRequests, j: number, more: number): number | null {
  const [a, b] = [short.bytes[i]!, long.bytes[j]!]
  if (a > 0 && b > 0) return line(a, b, more)
  return isSame(short, i, long, j) ? a : null
}

function isSame(short: ReadRequests, i: number, long: ReadRequests, j: number): boolean {
  const [a, b] = [short.buffersAt(i), long.buffersAt(j)]
  if (a === null || b === null) return short.bytes[i] === long.bytes[j]
  return a.length === b.length && a.every((bytes, n) => bytes === b[n])
}

/** Each storage is asked for once a step, by rising number, and what is released lives and has as many bytes as it was asked for. */
function isAccount(parts: readonly RequestList[]): boolean {
  /** Bytes of what lives by number, of flat storages as few layers have them. */
  const alive: number[] = []
  for (const { bytes: wanted, storages, events } of parts) {
    let last = -1
    for (let i = 0; i < wanted.length; i++) {
      const storage = storages[i]!
      const { bytes } = events[i]!
      if (wanted[i]! > 0) {
        if (storage <= last) return false
        last = storage
        alive[storage] = bytes
      } else if (wanted[i] === FREE) {
        if (alive[storage] !== bytes) return false
        alive[storage] = 0
      }
    }
  }
  return true
}

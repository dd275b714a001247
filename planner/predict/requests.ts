import {
  FREE,
  once,
  type ReadRequests,
  RequestList,
  type Requests,
  type Round,
  readRequests,
  requestsOf,
} from '../allocate/torch-cuda/index.ts'
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
  const [a, b] = [readRequests(short.events), readRequests(long.events)]
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
): readonly Round[] | null {
  const rounds: Round[] = []
  for (const { short: range, long: longRange, at, block } of stretches) {
    const seam = longRange[0] + at - range[0]
    const [from, middle, to] = [short.from(range[0]), short.from(at), short.from(range[1])]
    const [longFrom, longMiddle, longTo] = [long.from(longRange[0]), long.from(seam), long.from(longRange[1])]
    const inserted = long.from(seam + block) - longMiddle
    if (middle - from !== longMiddle - longFrom || to - middle + inserted !== longTo - longMiddle) return null
    const before = placed(short, from, long, longFrom, middle - from, more)
    const copies = repeated(short, middle, long, longMiddle, inserted, more)
    const after = placed(short, middle, long, longMiddle + inserted, to - middle, more)
    if (!before || !copies || !after) return null
    rounds.push(once(before), copies, once(after))
  }
  return rounds
}

/** Requests outside the inserted blocks, from `i` in the shorter trace and `j` in the longer. Null where they are not the same. */
function placed(
  short: ReadRequests,
  i: number,
  long: ReadRequests,
  j: number,
  count: number,
  more: number,
): RequestList | null {
  const requests = new RequestList(short.buffers)
  for (let o = 0; o < count; o++) if (!place(requests, short, i + o, long, j + o, more)) return null
  return requests
}

/** Adds a request of the shorter trace as it is `more` layers on; false where that of the longer is not the same. */
function place(
  into: RequestList,
  short: ReadRequests,
  i: number,
  long: ReadRequests,
  j: number,
  more: number,
): boolean {
  const [a, b] = [short.bytes[i]!, long.bytes[j]!]
  const isGrown = a > 0 && b > 0
  if (!isGrown && !isSame(short, i, long, j)) return false
  const [{ pattern, layer }, { layer: next }] = [placeOf(short.scopes[i]!), placeOf(long.scopes[j]!)]
  const scope = layer === next ? short.scopes[i]! : pattern.at(line(layer, next, more))
  into.push(isGrown ? line(a, b, more) : a, short.events[i]!, line(short.storages[i]!, long.storages[j]!, more), scope)
  return true
}

/**
 * The requests of the inserted blocks, first to last. In the longer trace the block stands at `j`, and its next copy behind it. Null where the
 * three are not the same.
 */
function repeated(
  short: ReadRequests,
  i: number,
  long: ReadRequests,
  j: number,
  block: number,
  more: number,
): Round | null {
  const round = {
    requests: new RequestList(short.buffers),
    times: more,
    storageSteps: [] as number[],
    layerSteps: [] as number[],
  }
  for (let o = 0; o < block; o++) {
    const [a, b, c] = [i + o, j + o, j + block + o]
    if (!isSame(short, a, long, b) || !isSame(short, a, long, c)) return null
    place(round.requests, short, a, long, b, more)
    round.storageSteps.push(long.storages[c]! - long.storages[b]!)
    round.layerSteps.push(placeOf(long.scopes[c]!).layer - placeOf(long.scopes[b]!).layer)
  }
  return round
}

function isSame(short: ReadRequests, i: number, long: ReadRequests, j: number): boolean {
  const [a, b] = [short.buffersAt(i), long.buffersAt(j)]
  if (a === null || b === null) return short.bytes[i] === long.bytes[j]
  return a.length === b.length && a.every((bytes, n) => bytes === b[n])
}

/** Storages are asked for by rising number, and what is released lives and has as many bytes as it was asked for. */
function isAccount(parts: readonly (readonly Round[])[]): boolean {
  /** Bytes of what lives by number, of flat storages as few layers have them. */
  const alive: number[] = []
  for (const rounds of parts) {
    let last = -1
    for (const { requests, times, storageSteps } of rounds) {
      const { bytes: wanted, storages, events } = requests
      for (let time = 0; time < times; time++) {
        for (let i = 0; i < wanted.length; i++) {
          const storage = time === 0 ? storages[i]! : storages[i]! + time * storageSteps[i]!
          if (wanted[i]! > 0) {
            if (storage <= last) return false
            last = storage
            alive[storage] = events[i]!.bytes
          } else if (wanted[i] === FREE) {
            if (alive[storage] !== events[i]!.bytes) return false
            alive[storage] = 0
          }
        }
      }
    }
  }
  return true
}

import { Refusal } from '../trace/errors.ts'
import { Dict, List, type PickleValue, readPickle } from './pickle/index.ts'
import type { Block, Entry, Frame, Segment, Snapshot } from './snapshot.ts'

/** A pickle may refer to one list many times: so many blocks, entries and frames are looked at in all. */
const MOST = 2 ** 23

/**
 * Reads a memory snapshot of PyTorch.
 *
 * @throws PickleError where the file is no plain pickle, Refusal `snapshot-shape` where it is one of something else
 */
export const readSnapshot = (bytes: Uint8Array): Snapshot => new Parser().snapshot(readPickle(bytes))

class Parser {
  readonly #frames = new Map<List, readonly Frame[]>()
  #looked = 0

  snapshot(root: PickleValue): Snapshot {
    // torch.cuda.memory_snapshot() gives the segments alone
    if (root instanceof List) return { segments: this.#segments(root), traces: [], origin: null }
    if (!(root instanceof Dict)) throw wrong('the file', 'a dict with segments', root)
    const traces = root.get('device_traces')
    const mark = root.get('tidemark')
    return {
      segments: this.#segments(root.get('segments')),
      traces:
        traces === undefined
          ? []
          : listOf(traces, 'device_traces').map((t, device) =>
              this.#counted(listOf(t, `device_traces[${device}]`)).map((e, i) =>
                this.#entry(dictOf(e, `device_traces[${device}][${i}]`), `device_traces[${device}][${i}]`),
              ),
            ),
      origin:
        mark instanceof Dict
          ? {
              kind: mark.get('kind') === 'measured' ? 'measured' : 'predicted',
              runtime: textOf(mark, 'runtime', 'tidemark'),
            }
          : null,
    }
  }

  #segments(value: PickleValue | undefined): Segment[] {
    return this.#counted(listOf(value, 'segments')).map((v, i) => {
      const at = `segments[${i}]`
      const segment = dictOf(v, at)
      const address = numberOf(segment, 'address', at)
      return {
        device: segment.get('device') === undefined ? 0 : numberOf(segment, 'device', at),
        address,
        total: numberOf(segment, 'total_size', at),
        stream: numberOf(segment, 'stream', at, 0),
        blocks: this.#blocks(segment, address, at),
      }
    })
  }

  /** Blocks lie one after another: older snapshots say no address. */
  #blocks(segment: Dict, start: number, where: string): Block[] {
    let address = start
    return this.#counted(listOf(segment.get('blocks'), `${where}.blocks`)).map((v, i) => {
      const at = `${where}.blocks[${i}]`
      const block = dictOf(v, at)
      const size = numberOf(block, 'size', at)
      const made: Block = {
        address,
        size,
        requested: numberOf(block, 'requested_size', at, size),
        state: textOf(block, 'state', at),
        frames: this.#stack(block),
        scope: metadata(block),
      }
      address += size
      return made
    })
  }

  #entry(entry: Dict, at: string): Entry {
    return {
      action: textOf(entry, 'action', at),
      address: numberOf(entry, 'addr', at, 0),
      bytes: numberOf(entry, 'size', at, 0),
      stream: numberOf(entry, 'stream', at, 0),
      frames: this.#stack(entry),
      scope: metadata(entry),
    }
  }

  /** Many blocks and entries share one list of frames, which is read once. */
  #stack(of: Dict): readonly Frame[] {
    const value = of.get('frames')
    if (!(value instanceof List) || value.items.length === 0) return NO_FRAMES
    const known = this.#frames.get(value)
    if (known) return known
    const frames = this.#counted(value.items).map((v) => {
      const frame = dictOf(v, 'frames')
      return {
        filename: textOf(frame, 'filename', 'frames'),
        line: numberOf(frame, 'line', 'frames', 0),
        name: textOf(frame, 'name', 'frames'),
      }
    })
    this.#frames.set(value, frames)
    return frames
  }

  #counted<T>(items: readonly T[]): readonly T[] {
    this.#looked += items.length
    if (this.#looked <= MOST) return items
    const next = 'Record fewer events: torch.cuda.memory._record_memory_history(max_entries=100000).'
    throw new Refusal('snapshot-large', 'snapshot', `has more than ${MOST} blocks, events and frames`, next)
  }
}

const NO_FRAMES: readonly Frame[] = []

const wrong = (where: string, expected: string, found: PickleValue | undefined): Refusal =>
  new Refusal(
    'snapshot-shape',
    where,
    `is ${kindOf(found)}; expected ${expected}`,
    'Give the file that torch.cuda.memory._dump_snapshot wrote.',
  )

function kindOf(v: PickleValue | undefined): string {
  if (v === undefined) return 'missing'
  if (v === null) return 'None'
  if (typeof v === 'object') return `a ${v.constructor.name.toLowerCase()}`
  return typeof v === 'string' ? 'a text' : String(v)
}

function listOf(v: PickleValue | undefined, where: string): readonly PickleValue[] {
  if (v instanceof List) return v.items
  throw wrong(where, 'a list', v)
}

function dictOf(v: PickleValue | undefined, where: string): Dict {
  if (v instanceof Dict) return v
  throw wrong(where, 'a dict', v)
}

/** A size, an address, a device: an integer that is not negative but for streams, which are pointers. */
function numberOf(of: Dict, key: string, where: string, fallback?: number): number {
  const v = of.get(key)
  if (v === undefined && fallback !== undefined) return fallback
  if (typeof v === 'number' && Number.isSafeInteger(v) && (v >= 0 || key === 'stream')) return v
  throw wrong(`${where}.${key}`, 'an integer', v)
}

function textOf(of: Dict, key: string, where: string): string {
  const v = of.get(key)
  if (typeof v === 'string') return v
  throw wrong(`${where}.${key}`, 'a text', v)
}

const metadata = (of: Dict): string => {
  const v = of.get('user_metadata')
  return typeof v === 'string' ? v : ''
}

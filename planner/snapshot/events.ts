import type { TraceEvent } from '../trace/event.ts'
import { phaseOf, placeOf, showFrame } from './frames.ts'
import type { Entry, Frame, Segment, Snapshot } from './snapshot.ts'

/** One device's part of a snapshot as the events that everything else reads. */
export interface ImportedRun {
  readonly device: number
  /**
   * Allocations and releases, oldest first; what lived before the recording began is `static`. A storage is what one call of the
   * allocator returned: its bytes are those that were asked for, its shape is not known, `op` is the line of Python that asked.
   */
  readonly events: readonly TraceEvent[]
  /** The stack that asked for a storage, where one was recorded. */
  readonly frames: ReadonlyMap<number, readonly Frame[]>
  /** Bytes of the block that a storage was given: known for those that lived when the snapshot was taken. */
  readonly blocks: ReadonlyMap<number, number>
  /** Bytes that the allocator held at the most: the sum of its segments. */
  readonly reserved: number
  /** Whether anything but the state at the end was recorded. */
  readonly recorded: boolean
  /** Whether stacks were recorded with it: without them the events' phases mean nothing. */
  readonly phased: boolean
}

/** The devices that a snapshot says anything about. */
export const devicesOf = ({ segments, traces }: Snapshot): number[] =>
  [...new Set([...segments.map((s) => s.device), ...traces.flatMap((t, i) => (t.length > 0 ? [i] : []))])].sort(
    (a, b) => a - b,
  )

/**
 * Turns a device's history into events. PyTorch keeps the last entries only: a block that is released without having been
 * allocated, and one that lives at the end without an entry, existed before.
 */
export function importRun(snapshot: Snapshot, device: number): ImportedRun {
  const segments = snapshot.segments.filter((s) => s.device === device)
  const entries = snapshot.traces[device] ?? []
  const run = new Importer(entries)
  run.readEntries()
  for (const { blocks } of segments) for (const b of blocks) if (b.state === 'active_allocated') run.readBlock(b)
  return {
    device,
    events: [...run.before, ...run.events].map((e, seq) => ({ ...e, seq })),
    frames: run.frames,
    blocks: run.blocks,
    reserved: reservedOf(segments, entries),
    recorded: entries.length > 0,
    phased: entries.some((e) => e.frames.length > 0),
  }
}

class Importer {
  readonly before: TraceEvent[] = []
  readonly events: TraceEvent[] = []
  readonly frames = new Map<number, readonly Frame[]>()
  readonly blocks = new Map<number, number>()
  readonly #entries: readonly Entry[]
  readonly #live = new Map<number, number>()
  /** Released, and not yet free for others. */
  readonly #pending = new Set<number>()
  #storages = 0

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  readEntries(): void {
    for (const entry of this.#entries) {
      switch (entry.action) {
        case 'alloc':
          this.#free(entry)
          this.#live.set(entry.address, this.#alloc(this.events, entry, phaseOf(entry.frames)))
          this.#pending.delete(entry.address)
          break
        case 'free':
        case 'free_requested':
          this.#known(entry)
          this.#free(entry)
          this.#pending.add(entry.address)
          break
        case 'free_completed':
          if (this.#pending.delete(entry.address)) break
          this.#known(entry)
          this.#free(entry)
          break
        default:
          break
      }
    }
  }

  /** A block that lived when the snapshot was taken. */
  readBlock(block: Segment['blocks'][number]): void {
    let storage = this.#live.get(block.address)
    if (storage === undefined) {
      storage = this.#alloc(this.before, { ...block, bytes: block.requested }, 'static')
      this.#live.set(block.address, storage)
    }
    this.blocks.set(storage, block.size)
  }

  /** What is released without an entry of its allocation lived before the first. */
  #known(entry: Entry): void {
    if (this.#live.has(entry.address)) return
    this.#live.set(entry.address, this.#alloc(this.before, { ...entry, frames: [] }, 'static'))
  }

  #alloc(
    into: TraceEvent[],
    { bytes, frames, scope }: Pick<Entry, 'bytes' | 'frames' | 'scope'>,
    phase: TraceEvent['phase'],
  ): number {
    const storage = this.#storages++
    if (frames.length > 0) this.frames.set(storage, frames)
    const place = placeOf(frames)
    into.push({
      seq: 0,
      step: 0,
      phase,
      scope,
      op: place ? showFrame(place) : '',
      action: 'alloc',
      storage,
      bytes,
      axes: [{ name: 'bytes', size: bytes }],
      dtype: 'uint8',
      device: 'device',
      category: 'other',
    })
    return storage
  }

  #free({ address, bytes, frames, scope }: Entry): void {
    const storage = this.#live.get(address)
    if (storage === undefined) return
    this.#live.delete(address)
    const phase = phaseOf(frames)
    this.events.push({ seq: 0, step: 0, phase, scope, op: '', action: 'free', storage, bytes })
  }
}

const GROWS = new Set(['segment_alloc', 'segment_map'])
const SHRINKS = new Set(['segment_free', 'segment_unmap'])

/** The largest sum of segments, walked back from what there is at the end. */
function reservedOf(segments: readonly Segment[], entries: readonly Entry[]): number {
  let now = segments.reduce((n, s) => n + s.total, 0)
  let most = now
  for (let i = entries.length - 1; i >= 0; i--) {
    const { action, bytes } = entries[i]!
    if (GROWS.has(action)) now -= bytes
    if (SHRINKS.has(action)) now += bytes
    most = Math.max(most, now)
  }
  return most
}

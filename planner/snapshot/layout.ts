import { CachingAllocator } from '../allocate/torch-cuda/index.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { Move } from './moves.ts'
import type { Block, Entry, Frame, Origin, Segment, Snapshot } from './snapshot.ts'

/** Where devices put their memory, more or less: large enough to look like a pointer, small enough to be exact. */
const BASE = 0x7f00_0000_0000
/** More than any device has. */
const UNLIMITED = 2 ** 46

type Given = NonNullable<ReturnType<CachingAllocator['alloc']>>

export interface LayoutOptions {
  /** What the moves are of: the snapshot is marked with it. */
  readonly origin?: Origin
  /** The stack of a move; default: its modules. */
  readonly framesOf?: (event: TraceEvent) => readonly Frame[]
  /** Whether the recording had begun: what came before shows in blocks only. Default: from the first on. */
  readonly isRecorded?: (event: TraceEvent) => boolean
}

/**
 * What PyTorch's caching allocator, with memory without end and no settings, would have recorded of moves, and what it holds at their
 * end. Sizes, order, lifetimes and segments are the replay's; addresses begin where it pleases.
 */
export function layOut(moves: Iterable<Move>, options: LayoutOptions = {}): Snapshot {
  const recorder = new Recorder(options)
  for (const move of moves) recorder.take(move)
  return recorder.snapshot()
}

class Recorder {
  readonly #allocator = new CachingAllocator(UNLIMITED)
  readonly #entries: Entry[] = []
  readonly #live = new Map<number, { readonly block: Given; readonly entry: Entry }>()
  /** Bytes of each segment by its address, in the order of their making. */
  readonly #segments = new Map<number, number>()
  readonly #framesOf: (event: TraceEvent) => readonly Frame[]
  readonly #isRecorded: (event: TraceEvent) => boolean
  readonly #origin: Origin | null

  constructor({ framesOf, isRecorded, origin }: LayoutOptions) {
    this.#framesOf = framesOf ?? moduleFrames()
    this.#isRecorded = isRecorded ?? (() => true)
    this.#origin = origin ?? null
  }

  take({ storage, bytes, event }: Move): void {
    if (bytes === 0) this.#free(storage, event)
    else this.#alloc(storage, bytes, event)
  }

  snapshot(): Snapshot {
    const blocks = this.#blocks()
    const segments = [...this.#segments].map(([address, total]): Segment => {
      const within = blocks.filter((b) => b.address >= BASE + address && b.address < BASE + address + total)
      return { device: 0, address: BASE + address, total, stream: 0, blocks: within }
    })
    return { segments, traces: [this.#entries], origin: this.#origin }
  }

  #alloc(storage: number, bytes: number, event: TraceEvent): void {
    const block = this.#allocator.alloc(bytes)
    if (block === null) throw new RangeError(`${bytes} bytes are more than any device has`)
    const recorded = this.#isRecorded(event)
    const frames = this.#framesOf(event)
    const entry = { action: 'alloc', address: BASE + block.address, bytes, stream: 0, frames, scope: event.scope }
    this.#live.set(storage, { block, entry })
    const grown = this.#grown(block)
    if (!recorded) return
    if (grown) this.#entries.push({ ...entry, ...grown })
    this.#entries.push(entry)
  }

  #free(storage: number, event: TraceEvent): void {
    const held = this.#live.get(storage)
    if (!held) return
    this.#live.delete(storage)
    this.#allocator.free(held.block)
    if (!this.#isRecorded(event)) return
    const freed = { ...held.entry, frames: this.#framesOf(event), scope: event.scope }
    this.#entries.push({ ...freed, action: 'free_requested' }, { ...freed, action: 'free_completed' })
  }

  /** The segment that was made for a block; null where it lies in one that there was. */
  #grown(block: Given): Pick<Entry, 'action' | 'address' | 'bytes'> | null {
    let first = block
    while (first.prev) first = first.prev
    if (this.#segments.has(first.address)) return null
    let bytes = 0
    for (let b: Given | null = first; b; b = b.next) bytes += b.size
    this.#segments.set(first.address, bytes)
    return { action: 'segment_alloc', address: BASE + first.address, bytes }
  }

  /** All blocks by address, those in use with what asked for them. */
  #blocks(): Block[] {
    const held = [...this.#live.values()].map(
      ({ block, entry }): Block => ({
        address: entry.address,
        size: block.size,
        requested: entry.bytes,
        state: 'active_allocated',
        frames: entry.frames,
        scope: entry.scope,
      }),
    )
    const { small, large } = this.#allocator
    const cached = [...small.blocks, ...large.blocks].map(
      ({ address, size }): Block => ({
        ...{ address: BASE + address, size, requested: 0, state: 'inactive', frames: [], scope: '' },
      }),
    )
    return [...held, ...cached].sort((a, b) => a.address - b.address)
  }
}

/** The operation, then the modules around it from inside out, then the phase: one list for all allocations of one place. */
function moduleFrames(): (event: TraceEvent) => readonly Frame[] {
  const known = new Map<string, readonly Frame[]>()
  return ({ step, phase, scope, op }) => {
    const outermost = phase === 'static' ? phase : `${phase} of step ${step}`
    const key = `${outermost}|${scope}|${op}`
    const found = known.get(key)
    if (found) return found
    const parts = scope === '' ? [] : scope.split('.')
    const paths = parts.map((_, i) => parts.slice(0, i + 1).join('.')).reverse()
    const frames = [
      { filename: scope === '' ? 'no module' : scope, line: 0, name: op },
      ...paths.map((filename) => ({ filename, line: 0, name: 'module' })),
      { filename: 'tidemark', line: 0, name: outermost },
    ]
    known.set(key, frames)
    return frames
  }
}

import type { TraceEvent } from '../trace/event.ts'
import type { Block, Entry, Frame, Origin, Segment, Snapshot } from './snapshot.ts'

/** Where devices put their memory, more or less: large enough to look like a pointer, small enough to be exact. */
const BASE = 0x7f00_0000_0000
const BLOCK = 512
const SEGMENT = 2 ** 21

export interface LayoutOptions {
  /** What the events are of: the snapshot is marked with it. */
  readonly origin?: Origin
  /** The stack of an allocation; default: its modules. */
  readonly framesOf?: (event: TraceEvent) => readonly Frame[]
}

/**
 * Lays the storages of a trace out as blocks of 512 bytes and writes down what an allocator would have done: one segment as large as
 * the highest address, each block in the smallest gap that takes it. Sizes, order and lifetimes are the trace's; addresses and
 * the segment are not a claim about PyTorch's own layout.
 */
export function layOut(events: Iterable<TraceEvent>, options: LayoutOptions = {}): Snapshot {
  const arena = new Arena()
  const entries: Entry[] = []
  const live = new Map<number, Entry>()
  const framesOf = options.framesOf ?? moduleFrames()
  for (const e of events) {
    if (e.action === 'alloc' && e.device === 'device' && e.bytes > 0) {
      const address = arena.take(blockOf(e.bytes))
      const entry: Entry = { action: 'alloc', address, bytes: e.bytes, stream: 0, frames: framesOf(e), scope: e.scope }
      live.set(e.storage, entry)
      entries.push(entry)
    } else if (e.action === 'free') {
      const entry = live.get(e.storage)
      if (!entry) continue
      live.delete(e.storage)
      arena.give(entry.address, blockOf(entry.bytes))
      const freed = { ...entry, frames: framesOf(e), scope: e.scope }
      entries.push({ ...freed, action: 'free_requested' }, { ...freed, action: 'free_completed' })
    }
  }
  const total = Math.ceil(arena.highest / SEGMENT) * SEGMENT
  const segment: Segment = { device: 0, address: BASE, total, stream: 0, blocks: blocksOf(live.values(), total) }
  const grown: Entry = { action: 'segment_alloc', address: BASE, bytes: total, stream: 0, frames: [], scope: '' }
  return {
    segments: total === 0 ? [] : [segment],
    traces: [total === 0 ? [] : [grown, ...entries]],
    origin: options.origin ?? null,
  }
}

const blockOf = (bytes: number): number => Math.ceil(bytes / BLOCK) * BLOCK

/** Blocks one after another, gaps as inactive ones. */
function blocksOf(live: Iterable<Entry>, total: number): Block[] {
  const blocks: Block[] = []
  let at = BASE
  const gap = (end: number): void => {
    const size = end - at
    if (size > 0) blocks.push({ address: at, size, requested: 0, state: 'inactive', frames: [], scope: '' })
  }
  for (const { address, bytes, frames, scope } of [...live].sort((a, b) => a.address - b.address)) {
    gap(address)
    const size = blockOf(bytes)
    blocks.push({ address, size, requested: bytes, state: 'active_allocated', frames, scope })
    at = address + size
  }
  gap(BASE + total)
  return blocks
}

/** Gaps by address, and how far it was ever filled. */
class Arena {
  readonly #gaps: { address: number; size: number }[] = []
  highest = 0

  take(size: number): number {
    let best = -1
    for (let i = 0; i < this.#gaps.length; i++) {
      const gap = this.#gaps[i]!
      if (gap.size >= size && (best === -1 || gap.size < this.#gaps[best]!.size)) best = i
    }
    if (best === -1) {
      this.highest += size
      return BASE + this.highest - size
    }
    const gap = this.#gaps[best]!
    const { address } = gap
    gap.address += size
    gap.size -= size
    if (gap.size === 0) this.#gaps.splice(best, 1)
    return address
  }

  give(address: number, size: number): void {
    const next = this.#gaps.findIndex((g) => g.address > address)
    const at = next === -1 ? this.#gaps.length : next
    this.#gaps.splice(at, 0, { address, size })
    this.#join(at)
    this.#join(at - 1)
  }

  /** Makes one of a gap and the one that begins where it ends. */
  #join(at: number): void {
    const [gap, after] = [this.#gaps[at], this.#gaps[at + 1]]
    if (!gap || !after || gap.address + gap.size !== after.address) return
    gap.size += after.size
    this.#gaps.splice(at + 1, 1)
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

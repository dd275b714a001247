import { Dict, dict, List, list, Tuple, writePickle } from './pickle/index.ts'
import type { Entry, Frame, Segment, Snapshot } from './snapshot.ts'

const CLOCK = 'time_us is the index of the entry'

/** The default memory pool. */
const POOL = new Tuple([0, 0])
/** Segments for blocks up to a megabyte are small ones (c10/cuda/CUDACachingAllocator.cpp, kSmallBuffer). */
const SMALL_SEGMENT = 2 ** 21

/**
 * A snapshot as `torch.cuda.memory._dump_snapshot` would write it: for PyTorch's viewer, for `python -m torch.cuda._memory_viz` and for
 * Python's `pickle.load`. An entry's `time_us` is its index: a prediction has no clock.
 */
export function writeSnapshot({ segments, traces, origin }: Snapshot): Uint8Array {
  const stacks = new Map<readonly Frame[], List>()
  const stackOf = (frames: readonly Frame[]): List => {
    const known = stacks.get(frames)
    if (known) return known
    const made = list(frames.map(({ filename, line, name }) => dict({ name, filename, line })))
    stacks.set(frames, made)
    return made
  }
  const root = dict({
    segments: list(segments.map((s) => segmentDict(s, stackOf))),
    device_traces: list(traces.map((t) => list(t.map((e, i) => entryDict(e, i, stackOf))))),
    allocator_settings: new Dict(),
  })
  if (origin !== null) root.set('tidemark', dict({ kind: origin.kind, runtime: origin.runtime, clock: CLOCK }))
  return writePickle(root)
}

type StackOf = (frames: readonly Frame[]) => List

function segmentDict({ device, address, total, stream, blocks }: Segment, stackOf: StackOf): Dict {
  const active = blocks.filter((b) => b.state.startsWith('active'))
  const allocated = blocks.filter((b) => b.state === 'active_allocated')
  const sum = (of: typeof blocks, size: 'size' | 'requested'): number => of.reduce((n, b) => n + b[size], 0)
  return dict({
    device,
    address,
    total_size: total,
    allocated_size: sum(allocated, 'size'),
    active_size: sum(active, 'size'),
    requested_size: sum(active, 'requested'),
    stream,
    segment_type: total <= SMALL_SEGMENT ? 'small' : 'large',
    segment_pool_id: POOL,
    is_expandable: false,
    frames: new List(),
    blocks: list(
      blocks.map((b) =>
        dict({
          address: b.address,
          size: b.size,
          requested_size: b.requested,
          state: b.state,
          frames: stackOf(b.frames),
          ...(b.scope === '' ? {} : { user_metadata: b.scope }),
        }),
      ),
    ),
  })
}

const entryDict = ({ action, address, bytes, stream, frames, scope }: Entry, index: number, stackOf: StackOf): Dict =>
  dict({
    action,
    addr: address,
    size: bytes,
    stream,
    time_us: index,
    frames: stackOf(frames),
    ...(scope === '' ? {} : { user_metadata: scope }),
  })

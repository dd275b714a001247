import { FREE, type RequestList, readRequests, scratchOf, WORKSPACE } from '../allocate/torch-cuda/requests.ts'
import { workspacesOf } from '../allocate/torch-cuda/workspaces.ts'
import type { TraceEvent } from '../trace/event.ts'

/** Something that is asked of an allocator: so many bytes for a storage, or none: then the storage is released. */
export interface Move {
  readonly storage: number
  readonly bytes: number
  /** Where: step, phase, module and operation. */
  readonly event: TraceEvent
}

/** The storages of a trace, and nothing else. */
export function* movesOf(events: Iterable<TraceEvent>): Generator<Move> {
  for (const event of events) {
    const { storage, bytes } = event
    if (event.action === 'alloc' && event.device === 'device' && bytes > 0) yield { storage, bytes, event }
    if (event.action === 'free') yield { storage, bytes: 0, event }
  }
}

/**
 * What a PyTorch process on a GPU before Hopper would ask for: the storages of a trace of two steps, two workspaces of cuBLAS and
 * the buffers of kernels (planner/allocate/torch-cuda/requests.ts). These have storages below zero.
 *
 * @param steps in all; the later ones are like the second
 */
export function* requestedMoves(events: readonly TraceEvent[], steps = 2): Generator<Move> {
  const { load, first, steady } = readRequests(events)
  const extra = new Extra()
  yield* movesOfList(load, extra)
  yield* movesOfList(first, extra)
  for (let step = 1; step < steps; step++) yield* movesOfList(steady, extra)
}

/** Storages that no trace has. */
class Extra {
  readonly workspace = workspacesOf(null).bytes
  #next = -1

  move(bytes: number, event: TraceEvent, op: string): Move {
    return { storage: this.#next--, bytes, event: { ...event, op } }
  }
}

function* movesOfList(list: RequestList, extra: Extra): Generator<Move> {
  for (const [i, event] of list.events.entries()) {
    const bytes = list.bytes[i]!
    if (bytes > 0 || bytes === FREE) yield { storage: list.storages[i]!, bytes, event }
    else if (bytes === WORKSPACE) yield extra.move(extra.workspace, event, 'cuBLAS workspace')
    else {
      const buffers = list.buffers[scratchOf(bytes)]!.map((n) => extra.move(n, event, `${event.op} scratch`))
      yield* buffers
      for (const b of buffers.toReversed()) yield { ...b, bytes: 0 }
    }
  }
}

import { layOut, movesOf, type Origin, requestedMoves, writeSnapshot } from '../../planner/snapshot/index.ts'
import type { TraceEvent } from '../../planner/trace/event.ts'

export type { Origin }

/**
 * A trace as a memory snapshot of PyTorch: opens at pytorch.org/memory_viz and with `python -m torch.cuda._memory_viz`. An
 * allocation's stack is its modules; the file is marked as a prediction, or as the run of an engine. A prediction is replayed with the
 * workspaces and buffers that a GPU's libraries ask for; an engine has none of those.
 */
export function renderTorchSnapshot(events: readonly TraceEvent[], { kind, runtime }: Origin): Uint8Array {
  const moves = kind === 'predicted' ? requestedMoves(events) : movesOf(events)
  return writeSnapshot(layOut(moves, { origin: { kind, runtime } }))
}

import { layOut, type Origin, writeSnapshot } from '../../planner/snapshot/index.ts'
import type { TraceEvent } from '../../planner/trace/event.ts'

/**
 * A trace as a memory snapshot of PyTorch: opens at pytorch.org/memory_viz and with `python -m torch.cuda._memory_viz`. An
 * allocation's stack is its modules; the file is marked as a prediction, or as the run of an engine.
 */
export const renderTorchSnapshot = (events: Iterable<TraceEvent>, origin: Origin): Uint8Array =>
  writeSnapshot(layOut(events, { origin }))

export type { Origin }

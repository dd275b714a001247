import { readdirSync, readFileSync } from 'node:fs'
import type { Recorded } from '../pages/recorded.ts'
import type { TraceEvent } from '../trace/event.ts'

/** `[phase, bytes, storage, op, module]`: an allocation, or a release where bytes are negative. */
type Line = readonly [phase: string, bytes: number, storage: number, op: string, module: string]

/** A whole steady step as PyTorch took it. */
export interface Stream {
  readonly row: Pick<Recorded, 'case'>
  readonly lines: readonly Line[]
}

/** The whole steady steps in a folder. */
export const streamsIn = (folder: URL): Stream[] =>
  readdirSync(folder)
    .sort()
    .map((f) => {
      const [head, ...lines] = readFileSync(new URL(f, folder), 'utf8').trim().split('\n')
      return { row: JSON.parse(head!), lines: lines.map((l): Line => JSON.parse(l)) }
    })

/** What was recorded, in order, without the number that AdamW makes on its way and lets go at once. */
export const recordedOrder = (lines: readonly Line[]): string[] =>
  order(
    lines
      .filter((l, i) => l[3] !== 'aten::lift_fresh' && lines[i - 1]?.[3] !== 'aten::lift_fresh')
      .map(([phase, bytes]) => [phase, bytes]),
  )

/** The second of the simulated steps, in order, as far as it is the device's. */
export const simulatedOrder = (events: readonly TraceEvent[]): string[] =>
  order(
    events
      .filter(
        (e): e is Extract<TraceEvent, { action: 'alloc' | 'free' }> =>
          e.step === 1 && (e.action === 'free' || (e.action === 'alloc' && e.device === 'device')),
      )
      .map((e) => [e.phase, e.action === 'alloc' ? e.bytes : -e.bytes]),
  )

/** Bytes in order; a run of releases between two allocations has no order of its own (Python's frames and C++'s differ). */
function order(events: readonly (readonly [phase: string, bytes: number])[]): string[] {
  const result: string[] = []
  let released: string[] = []
  for (const [phase, bytes] of events) {
    if (bytes === 0) continue
    if (bytes < 0) {
      released.push(`${phase} ${bytes}`)
      continue
    }
    result.push(...released.sort(), `${phase} ${bytes}`)
    released = []
  }
  return [...result, ...released.sort()]
}

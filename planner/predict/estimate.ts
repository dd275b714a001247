import type { ModelSpec } from '../../models/spec.ts'
import type { Allocator } from '../allocate/allocator.ts'
import type { Device } from '../devices/index.ts'
import type { Network } from '../network/network.ts'
import type { EstimateBody } from '../result/estimate.ts'
import type { TraceEvent } from '../trace/event.ts'
import { stepOf } from '../trace/reading.ts'
import type { TrainSpec } from '../training/spec.ts'
import { Runs } from './depths.ts'
import { bodyFrom, type Facts, peakPhase, readTables, stepFacts } from './facts.ts'
import { foldLayers } from './fold.ts'
import { highest, highestBytes } from './levels.ts'
import type { Stack } from './stack.ts'

/** What a step has to fit into. */
export interface Gpu {
  readonly name: string
  /** What the driver reports in all. */
  readonly bytes: number
  /** The device where it is known by name; null for a size alone. */
  readonly device: Device | null
}

/**
 * Predicts one training setting on a stack; all bytes are simulated. Repeated layers are simulated a few at a time where the
 * whole follows from them. Throws `Refusal` for what is not modelled.
 */
export const predict = (model: ModelSpec, train: TrainSpec, stack: Stack, gpu: Gpu | null = null): EstimateBody =>
  predictFrom(new Runs(model, train, stack), gpu)

/** The same from runs that more is read off. */
export const predictFrom = (runs: Runs, gpu: Gpu | null): EstimateBody =>
  bodyFrom(foldLayers(runs) ?? wholeFacts(runs), gpu, runs.stack.allocator)

function wholeFacts(runs: Runs): Facts {
  const { network, events } = runs.whole()
  return factsOf(network, events, runs.stack.allocator)
}

/** The figures of a trace with a first and a steady step, whoever wrote it. */
export const bodyOf = (
  network: Network,
  events: readonly TraceEvent[],
  allocator: Allocator | null = null,
): EstimateBody => bodyFrom(factsOf(network, events, allocator), null, allocator)

function factsOf(network: Network, events: readonly TraceEvent[], allocator: Allocator | null): Facts {
  const trace = stepOf(events, 'steady')
  const high = highest(trace)
  const steady = stepFacts(high)
  const phase = peakPhase(steady)
  const tables = readTables(network, trace, phase, high[phase].at)
  const blocks = allocator && highestBytes(highest(trace, allocator.block))
  const timeline = tables.timeline.written()
  return { ...tables, timeline, blocks, first: stepFacts(highest(stepOf(events, 'first'))), steady, phase }
}

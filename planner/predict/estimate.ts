import type { ModelSpec } from '../../models/spec.ts'
import { lawOf } from '../formula/law.ts'
import type { Network } from '../network/network.ts'
import type { EstimateBody, StepFigures } from '../result/estimate.ts'
import { numel } from '../trace/axes.ts'
import { PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { firstStep, isAfterStep, Replay, readStep, type StepReading, steadyStep } from '../trace/reading.ts'
import { foldScope } from '../trace/scope.ts'
import { aliveTable, isSaved, savedTable } from '../trace/tables.ts'
import { Timeline } from '../trace/timeline.ts'
import type { TrainSpec } from '../training/spec.ts'
import { simulate } from './simulate.ts'
import type { Stack } from './stack.ts'

export interface Gpu {
  readonly name: string
  readonly bytes: number
}

/** Predicts one training setting on a stack. All bytes are simulated. Throws `Refusal` for what is not modelled. */
export function predict(model: ModelSpec, train: TrainSpec, stack: Stack, gpu: Gpu | null = null): EstimateBody {
  const { network, events } = simulate(model, train, stack.dialect)
  return bodyOf(network, events, gpu)
}

/** The figures of a trace with a first and a steady step, whoever wrote it. */
export function bodyOf(network: Network, events: readonly TraceEvent[], gpu: Gpu | null = null): EstimateBody {
  const first = readStep(firstStep(events))
  const trace = steadyStep(events)
  const steady = readStep(trace)
  const phase = PHASES.reduce((best, p) => (steady[p].peak > steady[best].peak ? p : best), PHASES[0] as Phase)
  const { peak, at } = steady[phase]
  const { fixed, forwardEnd, atPeak, backwardEnd, timeline } = readTrace(trace, phase, at)
  const trained = network.parameters.filter((p) => p.trains)
  return {
    parameters: {
      total: network.parameters.reduce((n, p) => n + numel(p.axes), 0),
      trainable: trained.reduce((n, p) => n + numel(p.axes), 0),
      trainable_tensors: trained.length,
    },
    static: {
      parameters_bytes: fixed.parameter ?? 0,
      quantization_bytes: 0,
      buffers_bytes: fixed.buffer ?? 0,
      inputs_bytes: fixed.input ?? 0,
    },
    gradients_bytes: backwardEnd.gradient ?? 0,
    optimizer_state_bytes: fixed['optimizer state'] ?? 0,
    ...forwardEnd,
    first_step: figures(first),
    step: figures(steady),
    peak: { bytes: peak, phase, scope: foldScope(at?.scope ?? ''), op: at?.op ?? 'start', ...atPeak.parts },
    timeline,
    law: atPeak.law,
    tiers: { live: peak, reserved: null, process: null },
    fit: gpu && fitOf(gpu, peak),
  }
}

/** One pass over the steady step; tables are made at the instants that are asked for. */
function readTrace(trace: readonly TraceEvent[], phase: Phase, peak: TraceEvent | null) {
  const replay = new Replay()
  const timeline = new Timeline()
  let fixed = replay.byCategory()
  let forwardEnd: Pick<EstimateBody, 'saved' | 'saved_bytes'> = { saved: [], saved_bytes: 0 }
  let backwardEnd = fixed
  let atPeak: ReturnType<typeof instant> | null = null
  let at: TraceEvent['phase'] = 'static'
  let done = false
  for (const e of trace) {
    if (e.phase !== at) {
      if (at === 'static') fixed = replay.byCategory()
      if (at === 'forward') forwardEnd = savedAt(replay)
      if (at === 'backward') backwardEnd = replay.byCategory()
      at = e.phase
      if (peak === null && at === phase) atPeak = instant(replay)
    }
    if (!done && isAfterStep(e)) {
      timeline.end(replay)
      done = true
    }
    if (!done) timeline.before(e, replay)
    replay.apply(e)
    if (e === peak) atPeak = instant(replay)
  }
  return { fixed, forwardEnd, backwardEnd, atPeak: atPeak ?? instant(replay), timeline: timeline.points }
}

function instant(replay: Replay): { parts: Pick<EstimateBody['peak'], 'parts' | 'alive'>; law: EstimateBody['law'] } {
  const { expression, per_token_bytes, terms } = lawOf(replay.live.values())
  return {
    parts: { parts: replay.byCategory(), alive: aliveTable(replay.live.values()) },
    law: { expression, per_token_bytes, terms: [...terms] },
  }
}

function savedAt(replay: Replay): Pick<EstimateBody, 'saved' | 'saved_bytes'> {
  let bytes = 0
  for (const s of replay.live.values()) if (isSaved(s)) bytes += s.bytes
  return { saved_bytes: bytes, saved: savedTable(replay.live.values()) }
}

function figures(step: StepReading): StepFigures {
  const of = (p: Phase) => ({
    peak_bytes: step[p].peak,
    end_bytes: step[p].end,
    peak_at: { scope: foldScope(step[p].at?.scope ?? ''), op: step[p].at?.op ?? 'start' },
  })
  return { forward: of('forward'), backward: of('backward'), optimizer: of('optimizer') }
}

/** Whether the live bytes fit. Live bytes only: what the allocator and the driver add is not in this figure. */
function fitOf(gpu: Gpu, bytes: number): NonNullable<EstimateBody['fit']> {
  const margin = gpu.bytes - bytes
  const verdict = margin >= 0 ? 'live tensors fit; allocator and context not included' : 'live tensors alone do not fit'
  return { gpu: gpu.name, capacity_bytes: gpu.bytes, fits: margin >= 0, margin_bytes: margin, verdict }
}

import type { Framework } from '../execute/index.ts'
import type { Executed, TierRow } from '../result/run.ts'
import { formatBytes } from '../trace/bytes.ts'
import { PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import type { AllocationLog } from './allocation-log.ts'
import { inChunks } from './chunks.ts'
import { row, unattributed } from './tiers.ts'

/** One phase of one step as the framework counted it, the bytes from before the run taken off. A step may have several of a phase. */
export interface Stretch {
  readonly step: number
  readonly phase: Phase
  /** In use where it ends. */
  readonly end: number
  /** The most in use, temporaries inside operations included. */
  readonly peak: number
}

/** What the framework is expected to count: of the first step and of the steady one. */
export type Figures = {
  readonly [step in 'first_step' | 'step']: {
    readonly [phase in Phase]: { readonly peak_bytes: number; readonly end_bytes: number }
  }
}

/** Reads the framework's own count where a phase ends. */
export class FrameworkWitness {
  readonly stretches: Stretch[] = []
  readonly #framework: Framework
  #base = 0
  #open: { step: number; phase: Phase } | null = null

  constructor(framework: Framework) {
    this.#framework = framework
  }

  /** Call before the first tensor of the run is made. */
  start(): void {
    this.#base = this.#framework.read().inUse
    this.#framework.mark(`start ${this.#framework.allocator}`)
  }

  enter(step: number, phase: Phase | 'static'): void {
    this.close()
    if (phase !== 'static') this.#open = { step, phase }
    this.#framework.restart()
    this.#framework.mark(`phase ${step} ${phase}`)
  }

  close(): void {
    if (!this.#open) return
    const { inUse, peak } = this.#framework.read()
    this.#framework.mark('phase 0 end')
    this.stretches.push({ ...this.#open, end: inUse - this.#base, peak: peak - this.#base })
    this.#open = null
  }
}

/** A step's phase: where it ends at last, and its highest peak. Null where it did not run. */
export function phaseOf(
  stretches: readonly Stretch[],
  step: number,
  phase: Phase,
): { end: number; peak: number } | null {
  const own = stretches.filter((s) => s.step === step && s.phase === phase)
  const last = own.at(-1)
  return last ? { end: last.end, peak: Math.max(...own.map((s) => s.peak)) } : null
}

/**
 * The framework's own figures beside the prediction: at each phase's end and at its peak. At a peak operations may hold temporaries of
 * their own, which nobody predicts: what is more than the tensors is shown, never compared.
 */
export function frameworkRows(stretches: readonly Stretch[], predicted: Figures, witness: string): TierRow[] {
  const last = Math.max(...stretches.map((s) => s.step))
  return (['first_step', 'step'] as const).flatMap((step) =>
    PHASES.flatMap((phase) => {
      const found = phaseOf(stretches, step === 'first_step' ? 0 : last, phase)
      if (!found) return []
      const label = `${step === 'first_step' ? 'first ' : ''}${phase}`
      const { end_bytes: end, peak_bytes: peak } = predicted[step][phase]
      const more = found.peak > peak
      const rows = [
        more
          ? unattributed('framework', `${label} peak with scratch`, found.peak)
          : row('framework', `${label} peak`, peak, found.peak),
        row('framework', `${label} end`, end, found.end),
      ]
      return rows.map((r) => ({ ...r, witness }))
    }),
  )
}

/**
 * What the allocator's statistics say. The plain one of the processor counts the bytes asked for; TensorFlow's BFC, which GPUs have,
 * counts whole chunks, and its regions are a tier of their own: both are predicted by replaying the plan on it.
 */
export function statisticsRows(
  { stretches }: FrameworkWitness,
  { allocator, read }: Framework,
  plan: { readonly events: readonly TraceEvent[]; readonly predicted: Figures },
): TierRow[] {
  const witness = 'allocator statistics'
  if (!/bfc/i.test(allocator)) return frameworkRows(stretches, plan.predicted, witness)
  const { figures, reserved } = inChunks(plan.events)
  return [
    ...frameworkRows(stretches, figures, witness),
    row('reserved', 'regions of the allocator', reserved, read().reserved),
  ]
}

/** What the device's driver shows for the process, and how much of it the allocator has not asked for: context, libraries. */
export function driverRows({ driverBytes, read }: Framework): TierRow[] {
  const shown = driverBytes()
  if (shown === null) return []
  const rest = Math.max(0, shown - read().reserved)
  return [unattributed('process', 'nvidia-smi', shown), unattributed('process', 'context and libraries', rest)]
}

/**
 * The allocation log's figures: of tensors, beside the prediction, and where they are more the peak with the operations' own
 * temporaries, which must be the statistics'.
 */
function logRows(log: AllocationLog, predicted: Figures): TierRow[] {
  const tensors = log.stretches.map((s) => ({ ...s, peak: s.tensors }))
  const whole = frameworkRows(log.stretches, predicted, LOG).filter((r) => r.verdict === 'unattributed')
  return [...frameworkRows(tensors, predicted, LOG), ...whole]
}

const LOG = 'allocation log'

/** The run with the log's figures beside the others. */
export function withLog(executed: Executed, log: AllocationLog): Executed {
  log.close()
  // a stock binding marks nothing in it
  if (log.stretches.length === 0) return executed
  const { measured, environment } = executed
  const tiers = [...measured.tiers, ...logRows(log, executed.predicted)]
  return { ...executed, measured: { ...measured, tiers }, environment: { ...environment, ...logNotes(log) } }
}

/** What the log says in words, for the run's environment. */
function logNotes(log: AllocationLog): Record<string, string> {
  const { scratch, lost } = log
  const kernels = scratch.map((s) => `${s.kernel} ${formatBytes(s.peak)} (${s.count} times)`)
  return {
    'scratch by kernel': kernels.length === 0 ? 'none' : kernels.join(', '),
    ...(lost > 0 ? { 'allocation log': `${lost} lines were lost: its figures are too low` } : {}),
  }
}

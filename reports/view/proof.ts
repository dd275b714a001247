import type { Executed, StepChecks, TierRow } from '../../planner/result/run.ts'
import { settingWords, stackWords } from '../words.ts'
import { type MethodView, methodView } from './method.ts'
import { instants, type TimelineView } from './timeline.ts'

export interface Check {
  readonly what: string
  readonly passed: boolean
  readonly detail: string
}
export interface ProofRow {
  readonly tier: TierRow['tier']
  readonly phase: string
  readonly predicted: number | null
  readonly measured: number
  readonly difference: number | null
  readonly verdict: string
  /** Only a measured figure that equals its own prediction, of a step that was proved right. */
  readonly proved: boolean
}

/** An executed step: its own setting, stack and prediction, and what was measured. */
export interface ProofView {
  readonly id: string
  readonly method: MethodView
  readonly engine: string
  readonly stack: string
  readonly setting: string
  readonly hash: string
  readonly rows: readonly ProofRow[]
  readonly equal: number
  readonly compared: number
  readonly sound: boolean
  readonly checks: readonly Check[]
  readonly losses: readonly number[]
  readonly measured: TimelineView
  readonly measuredPeak: number | null
  readonly notExercised: readonly string[]
  readonly seconds: readonly number[]
}

/** The prediction's peak is the steady step's; peaks of the first step stand beside it in the tiers. */
const STEADY_PEAK = /^(?:forward|backward|optimizer) peak$/

export function proofView(e: Executed, id: string): ProofView {
  const method = methodView({ method: e.training.method, estimate: e.predicted }, id)
  const sound = isSound(e.checks)
  const rows = e.measured.tiers.map((t) => proofRow(t, sound))
  const compared = rows.filter((r) => r.predicted !== null)
  const livePeaks = rows.filter((r) => r.tier === 'live' && STEADY_PEAK.test(r.phase)).map((r) => r.measured)
  return {
    id,
    method,
    engine: e.engine,
    stack: stackWords(e.stack),
    setting: settingWords(e.training),
    hash: e.predicted_hash,
    rows,
    equal: compared.filter((r) => r.proved).length,
    compared: compared.length,
    sound,
    checks: checksOf(e.checks),
    losses: e.checks.losses,
    measured: measuredView(e, method),
    measuredPeak: livePeaks.length > 0 ? Math.max(...livePeaks) : null,
    notExercised: e.not_exercised,
    seconds: e.measured.seconds_per_step,
  }
}

/** The peak of the measured line has the prediction's name only where it is the very same instant; else its phase is known. */
function measuredView(e: Executed, method: MethodView): TimelineView {
  const measured = instants(e.measured.timeline, method.peak.at)
  const { peak } = measured
  const own = method.timeline.peak
  if (peak === null || (peak.x === own?.x && peak.bytes === own.bytes)) return measured
  const phase = measured.phases.find((p) => peak.x >= p.from && peak.x <= p.to)?.phase ?? ''
  return { ...measured, peak: { ...peak, at: phase } }
}

/** A memory figure from a wrong step proves nothing. One step alone cannot show a falling loss. */
function isSound(c: StepChecks): boolean {
  const falls = c.loss_falls || c.losses.length < 2
  return falls && c.frozen_unchanged && c.trainable_changed && c.losses.every(Number.isFinite)
}

function proofRow(t: TierRow, sound: boolean): ProofRow {
  const { tier, phase, predicted_bytes: predicted, measured_bytes: measured } = t
  const same = predicted === measured
  const verdict = predicted === null ? 'unattributed' : !sound ? 'step not sound' : same ? 'equal' : 'differs'
  const difference = predicted === null ? null : measured - predicted
  return { tier, phase, predicted, measured, difference, verdict, proved: sound && same && t.verdict === 'equal' }
}

function checksOf(c: StepChecks): Check[] {
  const first = c.losses[0]
  const last = c.losses.at(-1)
  const path = first === undefined || last === undefined ? 'no loss' : `${loss(first)} → ${loss(last)}`
  const steps = `${c.losses.length} step${c.losses.length === 1 ? '' : 's'}`
  return [
    { what: 'the loss falls', passed: c.loss_falls, detail: `${path} in ${steps}` },
    { what: 'frozen weights are bit-identical', passed: c.frozen_unchanged, detail: '' },
    { what: 'trained weights changed', passed: c.trainable_changed, detail: '' },
    { what: 'every event equals its prediction', passed: c.events_equal, detail: '' },
    { what: 'nothing is held past its last use', passed: c.audit_clean, detail: '' },
  ]
}

const loss = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : String(value))

import type { EstimateBody } from '../result/estimate.ts'
import type { TierRow } from '../result/run.ts'
import { PHASES } from '../trace/event.ts'

/** Measured beside predicted: what autograd keeps, then the live bytes at each phase's peak and end. To the byte or not at all. */
export function tierRows(predicted: EstimateBody, measured: EstimateBody): TierRow[] {
  const rows = [row('saved', 'forward end', predicted.saved_bytes, measured.saved_bytes)]
  for (const step of ['first_step', 'step'] as const) {
    const label = step === 'first_step' ? 'first ' : ''
    for (const phase of PHASES) {
      const [p, m] = [predicted[step][phase], measured[step][phase]]
      rows.push(row('live', `${label}${phase} peak`, p.peak_bytes, m.peak_bytes))
      rows.push(row('live', `${label}${phase} end`, p.end_bytes, m.end_bytes))
    }
  }
  return rows
}

/** A figure that must be equal to the byte. */
export function row(tier: TierRow['tier'], phase: string, predicted: number, measured: number): TierRow {
  return {
    tier,
    phase,
    predicted_bytes: predicted,
    measured_bytes: measured,
    ratio: predicted === 0 ? null : measured / predicted,
    verdict: predicted === measured ? 'equal' : 'differs',
  }
}

/** A tier that nothing predicts: shown beside, never spread over the others. */
export function unattributed(tier: TierRow['tier'], phase: string, measured: number): TierRow {
  return { tier, phase, predicted_bytes: null, measured_bytes: measured, ratio: null, verdict: 'unattributed' }
}

/**
 * What the engine's heap has grown to, and by how much that is more than the tensors' peak: packed operands and scratch of products,
 * holes between blocks, static data. It grows and never shrinks.
 */
export function heapRows(heap: number, peak: number): TierRow[] {
  return [
    unattributed('allocated', 'heap of the engine', heap),
    unattributed('allocated', "heap above the tensors' peak", heap - peak),
  ]
}

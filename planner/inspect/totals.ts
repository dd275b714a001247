import type { EstimateBody } from '../result/estimate.ts'
import type { InspectTier } from '../result/inspect.ts'

/** A tier's measured peak. Bytes. */
export interface Total {
  readonly tier: InspectTier['tier']
  readonly bytes: number
  /** What was measured. */
  readonly basis: string
}

/** How far from the prediction a measured peak may lie. What a driver shows is known least. */
const TOLERANCE: Readonly<Record<InspectTier['tier'], number>> = {
  live: 0.005,
  allocated: 0.005,
  reserved: 0.05,
  process: 0.05,
}

/** Measured totals beside the same tiers of the plan; a tier that nothing predicts is unattributed. */
export const compareTotals = (body: EstimateBody, totals: readonly Total[]): InspectTier[] =>
  totals.map(({ tier, bytes, basis }) => {
    const predicted = predictedOf(body, tier)
    const tolerance = TOLERANCE[tier]
    const shared = { tier, measured_bytes: bytes, tolerance }
    if (predicted === null) return { ...shared, predicted_bytes: null, ratio: null, verdict: 'unattributed', basis }
    const ratio = predicted.bytes === 0 ? null : bytes / predicted.bytes
    const [low, high] = predicted.range ?? [predicted.bytes * (1 - tolerance), predicted.bytes * (1 + tolerance)]
    const verdict = bytes >= low && bytes <= high ? 'within' : 'outside'
    return { ...shared, predicted_bytes: predicted.bytes, ratio, verdict, basis: `${basis}; ${predicted.basis}` }
  })

interface Predicted {
  readonly bytes: number
  readonly basis: string
  /** Where the prediction itself is a range. */
  readonly range?: readonly [number, number]
}

function predictedOf({ tiers }: EstimateBody, tier: InspectTier['tier']): Predicted | null {
  switch (tier) {
    case 'live':
      return { bytes: tiers.live, basis: 'predicted: live tensors' }
    case 'allocated':
      return tiers.allocated && { bytes: tiers.allocated.bytes, basis: `predicted: ${tiers.allocated.basis}` }
    case 'reserved':
      return tiers.reserved === null ? null : { bytes: tiers.reserved, basis: 'predicted: segments' }
    case 'process':
      return (
        tiers.process && {
          bytes: tiers.process.bytes,
          basis: `predicted: ${tiers.process.basis}`,
          range: [tiers.process.low, tiers.process.high],
        }
      )
  }
}

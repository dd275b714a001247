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
    if (predicted === null)
      return {
        ...{ tier, predicted_bytes: null, measured_bytes: bytes, ratio: null },
        ...{ low_bytes: null, high_bytes: null, verdict: 'unattributed', basis },
      }
    const margin = Math.round(predicted.bytes * TOLERANCE[tier])
    const [low, high] = predicted.range ?? [predicted.bytes - margin, predicted.bytes + margin]
    return {
      tier,
      predicted_bytes: predicted.bytes,
      measured_bytes: bytes,
      ratio: predicted.bytes === 0 ? null : bytes / predicted.bytes,
      low_bytes: low,
      high_bytes: high,
      verdict: bytes >= low && bytes <= high ? 'within' : 'outside',
      basis: `${basis}; ${predicted.basis}`,
    }
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

import type { ModelSpec } from '../../models/spec.ts'
import { PHASES, type Phase } from '../trace/event.ts'
import { stepOf } from '../trace/reading.ts'
import type { TrainSpec } from '../training/spec.ts'
import { fromDepths, Runs } from './depths.ts'
import { aligned, highestFolded } from './fold.ts'
import { type High, highest, highestBytes, levelsOf } from './levels.ts'
import type { Stack } from './stack.ts'

/** The highest instant of the steady step. */
export interface Peak {
  /** Live bytes: `peak.bytes` of an estimate. */
  readonly bytes: number
  readonly phase: Phase
  /**
   * Bytes of the allocator's blocks at their own highest instant: `tiers.allocated.bytes` of an estimate without the workspaces.
   */
  readonly blocks: number
}

/** The peak alone, without the tables of an estimate: the same figures for less work. Throws `Refusal` for what is not modelled. */
export function peakOf(model: ModelSpec, train: TrainSpec, stack: Stack): Peak {
  const { block } = stack.allocator
  const runs = new Runs(model, train, stack)
  const folded = fromDepths(runs, (depths): Peak | null => {
    const whole = aligned(depths)
    if (!whole) return null
    const [a, b] = [stepOf(whole.short, 'steady'), stepOf(whole.long, 'steady')]
    const blocks = highestBytes(highestFolded(whole, levelsOf(a, block), levelsOf(b, block)))
    return { ...highestPhase(highestFolded(whole, levelsOf(a), levelsOf(b))), blocks }
  })
  if (folded) return folded
  const trace = stepOf(runs.whole().events, 'steady')
  return { ...highestPhase(highest(trace)), blocks: highestBytes(highest(trace, block)) }
}

/** The earliest of equals. */
function highestPhase(high: Readonly<Record<Phase, High>>): Pick<Peak, 'bytes' | 'phase'> {
  const phase = PHASES.reduce((best, p) => (high[p].bytes > high[best].bytes ? p : best))
  return { bytes: high[phase].bytes, phase }
}

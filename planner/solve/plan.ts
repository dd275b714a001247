import { allocatorRoom } from '../predict/index.ts'
import type { PlanBody, PlanMaximum, PlanOption } from '../result/plan.ts'
import { settingOf } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { Candidate } from './candidate.ts'
import { KNOB } from './knob.ts'
import { type Maximum, maximize, type Place } from './maximize.ts'
import { KNOBS, type KnobName } from './names.ts'
import { type Option, type SearchOptions, search } from './search.ts'

export interface PlanRequest extends SearchOptions {
  /** One knob turned up as far as it goes; without it all of them, and the levers are searched. */
  readonly maximize: KnobName | null
}

/**
 * What fits on a device: how far each size can go, and which settings fit that no other one beats.
 *
 * @throws Refusal where the setting that was asked for is not modelled
 */
export function plan(place: Place, train: TrainSpec, request: PlanRequest): PlanBody {
  const knobs = KNOBS.filter((k) => KNOB[k].missing(train) === null && (request.maximize ?? k) === k)
  const found = search(place, train, request.maximize === null ? request : { ...request, fixed: 'all' })
  const { gpu } = place
  return {
    gpu: { name: gpu.name, capacity_bytes: gpu.bytes, room_bytes: allocatorRoom(gpu) },
    asked: optionOf(found.asked, { steps: [], relativeTime: 1 }, found.fits),
    maxima: knobs.map((knob) => maximumOf(maximize(place, train, knob))),
    search:
      request.maximize === null
        ? {
            searched: found.searched,
            possible: found.possible,
            fixed: request.fixed === 'all' ? [] : [...request.fixed],
            time_basis: basisOf(place, train),
            options: found.options.map((o) => optionOf(o, o, true)),
          }
        : null,
  }
}

const maximumOf = ({ knob, value, limitedBy, because, tried }: Maximum): PlanMaximum => ({
  knob,
  value,
  limited_by: limitedBy,
  because,
  tried,
})

const optionOf = (
  { train, peak, parameters }: Candidate,
  { steps, relativeTime }: Pick<Option, 'steps' | 'relativeTime'>,
  fits: boolean,
): PlanOption => ({
  training: settingOf(train),
  steps: steps.map((step) => ({ ...step })),
  peak: { live_bytes: peak.bytes, phase: peak.phase, allocated_bytes: peak.blocks },
  parameters: { ...parameters },
  relative_time: relativeTime,
  fits,
})

/** What the times are made of. */
function basisOf({ gpu: { device } }: Place, { parallelism }: TrainSpec): string {
  const work =
    device === null
      ? "formula: operations of the step's products alone; a device by name counts its memory's bandwidth as well"
      : `formula: operations of the step's products at ${device.name}'s dense rate, and each storage written and read once at ${device.gbps} GB/s`
  return parallelism ? `${work}; what the devices send each other takes time that is not in it` : work
}

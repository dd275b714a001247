import type { ModelSpec } from '../../models/spec.ts'
import type { AllocatorConfig } from '../allocate/torch-cuda/index.ts'
import { allocatorRoom, fitsOnDevice, type Gpu, type Stack, Sweep } from '../predict/index.ts'
import type { TrainSpec } from '../training/spec.ts'
import { KNOB } from './knob.ts'
import type { KnobName } from './names.ts'

/** Where a search takes place. */
export interface Place {
  readonly model: ModelSpec
  readonly stack: Stack
  readonly gpu: Gpu
  readonly config: AllocatorConfig
}

export interface Maximum {
  readonly knob: KnobName
  /** The largest value with which every step succeeds; null where none does. */
  readonly value: number | null
  /** What stops it there. */
  readonly limitedBy: 'memory' | 'model'
  readonly because: string
  /** Settings whose steps were replayed on the device's allocator. */
  readonly tried: number
}

/** Values above the one that was found that are tried as well. */
const CHECKS = 4

/**
 * The largest batch, length or rank that fits: the steps of its setting succeed on the simulated device, those of one more do not.
 * What cannot fit even without fragmentation is left out by the sum of its blocks alone. More is not bound to need more, since
 * blocks then lie elsewhere: so larger values are tried too, and where one fits the search goes on above it.
 *
 * @throws Refusal for what is not modelled
 */
export function maximize(place: Place, train: TrainSpec, name: KnobName): Maximum {
  const { model, stack, gpu, config } = place
  const knob = KNOB[name]
  const { value: most, because } = knob.most(model, train)
  const sweep = new Sweep(stack)
  const room = allocatorRoom(gpu)
  let tried = 0
  const fits = (value: number): boolean => {
    tried++
    return fitsOnDevice(model, knob.with(train, value), stack, gpu, config)
  }
  const ceiling = largest(most, (value) => sweep.peak(model, knob.with(train, value)).blocks <= room)
  const search = (from: number): number => {
    const value = largest(ceiling, fits, from)
    for (let i = 1; i <= CHECKS; i++) {
      const above = value + Math.floor(((ceiling - value) * i) / (CHECKS + 1))
      if (above > value + 1 && fits(above)) return search(above)
    }
    return value
  }
  const value = search(0)
  const found = { knob: name, value: value === 0 ? null : value, tried }
  return value === most
    ? { ...found, limitedBy: 'model', because }
    : { ...found, limitedBy: 'memory', because: `${value + 1} does not fit ${gpu.name}` }
}

/** The value up to `most` that holds and whose next does not, by bisection; `known` holds, and none above `most` counts. */
function largest(most: number, holds: (value: number) => boolean, known = 0): number {
  if (most <= known || holds(most)) return Math.max(most, known)
  let [works, fails] = [known, most]
  while (fails - works > 1) {
    const middle = Math.floor((works + fails) / 2)
    if (holds(middle)) works = middle
    else fails = middle
  }
  return works
}

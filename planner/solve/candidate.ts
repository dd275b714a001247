import type { ModelSpec } from '../../models/spec.ts'
import { networkOf } from '../network/index.ts'
import { type Peak, type Stack, Sweep } from '../predict/index.ts'
import { numel } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { LeverName } from './lever.ts'
import type { Place } from './maximize.ts'
import { secondsOf, Works } from './work.ts'

/** A setting of the search with what it costs. */
export interface Candidate {
  readonly train: TrainSpec
  /** Levers that differ from what was asked for. */
  readonly changed: readonly LeverName[]
  readonly peak: Peak
  /** By `secondsOf`: only its ratio to another setting's says something. */
  readonly seconds: number
  readonly parameters: Parameters
}

/** Elements of all weights, and of those that train. */
export interface Parameters {
  readonly total: number
  readonly trainable: number
}

/** Makes candidates of one model: bytes from a sweep, work from few simulations. */
export class Candidates {
  readonly #model: ModelSpec
  readonly #stack: Stack
  readonly #place: Place
  readonly #sweep: Sweep
  readonly #works: Works
  readonly #parameters = new Map<string, Parameters>()

  constructor(place: Place) {
    this.#place = place
    this.#model = place.model
    this.#stack = place.stack
    this.#sweep = new Sweep(place.stack)
    this.#works = new Works(place.model, place.stack)
  }

  /** Null for a setting that is refused. */
  of(options: TrainingOptions, changed: readonly LeverName[]): Candidate | null {
    try {
      return this.demanded(options, changed)
    } catch (error) {
      if (error instanceof Refusal) return null
      throw error
    }
  }

  /** @throws Refusal for what is not modelled */
  demanded(options: TrainingOptions, changed: readonly LeverName[] = []): Candidate {
    const { train } = resolveTraining(this.#model, options, { stack: this.#stack.name })
    const peak = this.#sweep.peak(this.#model, train)
    const seconds = secondsOf(this.#works.of(train), train, this.#place.gpu.device)
    return { train, changed, peak, seconds, parameters: this.#parametersOf(train) }
  }

  #parametersOf(train: TrainSpec): Parameters {
    const key = JSON.stringify([train.method, train.adapter])
    const known = this.#parameters.get(key)
    if (known !== undefined) return known
    const { parameters } = networkOf(this.#model, train, this.#stack.library)
    const count = (of: typeof parameters) => of.reduce((n, p) => n + numel(p.axes), 0)
    const counted = { total: count(parameters), trainable: count(parameters.filter((p) => p.trains)) }
    this.#parameters.set(key, counted)
    return counted
  }
}

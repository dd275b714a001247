import { networkOf } from '../network/index.ts'
import { type Peak, Sweep } from '../predict/index.ts'
import { numel } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining, settingOf } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { Place } from './maximize.ts'
import type { LeverName } from './names.ts'
import { secondsOf } from './work.ts'

/** A setting of the search with what it costs. */
export interface Candidate {
  readonly train: TrainSpec
  /** The lever that was pulled last, and the setting before; null for the one that was asked for. */
  readonly change: { readonly lever: LeverName; readonly before: Candidate } | null
  /** Levers pulled so far. */
  readonly changes: number
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

/** Makes candidates of one model: bytes and work from a sweep. */
export class Candidates {
  readonly #place: Place
  readonly #sweep: Sweep
  readonly #parameters = new Map<string, Parameters>()

  constructor(place: Place) {
    this.#place = place
    this.#sweep = new Sweep(place.stack)
  }

  /** The setting that was asked for. @throws Refusal for what is not modelled */
  of(train: TrainSpec): Candidate {
    return this.#costed(train, null)
  }

  /** The setting with one more lever pulled; null where it is refused. */
  after(before: Candidate, lever: LeverName, options: TrainingOptions): Candidate | null {
    try {
      const asked = { ...settingOf(before.train), ...options }
      const { train } = resolveTraining(this.#place.model, asked, { stack: this.#place.stack.name })
      return this.#costed(train, { lever, before })
    } catch (error) {
      if (error instanceof Refusal) return null
      throw error
    }
  }

  #costed(train: TrainSpec, change: Candidate['change']): Candidate {
    const { model, gpu } = this.#place
    return {
      train,
      change,
      changes: change === null ? 0 : change.before.changes + 1,
      peak: this.#sweep.peak(model, train),
      seconds: secondsOf(this.#sweep.work(model, train), train, gpu.device),
      parameters: this.#parametersOf(train),
    }
  }

  #parametersOf(train: TrainSpec): Parameters {
    const key = JSON.stringify([train.method, train.adapter])
    const known = this.#parameters.get(key)
    if (known !== undefined) return known
    const { parameters } = networkOf(this.#place.model, train, this.#place.stack.library)
    const count = (of: typeof parameters) => of.reduce((n, p) => n + numel(p.axes), 0)
    const counted = { total: count(parameters), trainable: count(parameters.filter((p) => p.trains)) }
    this.#parameters.set(key, counted)
    return counted
  }
}

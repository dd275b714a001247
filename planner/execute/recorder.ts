import type { Position } from '../autograd/runtime.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Category, EventSink } from '../trace/event.ts'
import { ExecutedPosition, type OnPhase } from './position.ts'

/** A storage of the engine while its table lists it. */
export interface Held {
  readonly id: number
  readonly bytes: number
}

/** Numbers the events of one run and stamps them with the place where the program is. */
export class Recorder {
  readonly position: Position
  readonly #sink: EventSink
  #seq = 0

  constructor(sink: EventSink, onPhase?: OnPhase) {
    this.#sink = sink
    this.position = new ExecutedPosition(onPhase)
  }

  alloc(held: Held, axes: Axes, dtype: DType, category: Category): void {
    this.#sink({ ...this.#common(held), action: 'alloc', axes, dtype, device: 'device', category })
  }

  save(held: Held, axes: Axes, dtype: DType, why: string): void {
    this.#sink({ ...this.#common(held), action: 'save', why, axes, dtype })
  }

  retag(held: Held, category: Category): void {
    this.#sink({ ...this.#common(held), action: 'retag', category })
  }

  note(action: 'free' | 'unsave' | 'bind' | 'unbind' | 'read', held: Held): void {
    this.#sink({ ...this.#common(held), action })
  }

  #common({ id, bytes }: Held) {
    const { step, phase, scope, op } = this.position
    return { seq: this.#seq++, step, phase, scope, op, storage: id, bytes }
  }
}

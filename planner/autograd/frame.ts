import type { Frame } from '../ops/ops.ts'
import type { Lifetimes } from './lifetimes.ts'
import { ReleasedTensor, type Variable } from './variable.ts'

/** The locals of one call, in the order in which Python would release them. */
export class LocalFrame<D> implements Frame<Variable<D>> {
  readonly #names: Lifetimes<D>
  readonly #locals: (Variable<D> | null)[] = []

  constructor(names: Lifetimes<D>) {
    this.#names = names
  }

  let(x: Variable<D>): Variable<D> {
    this.#names.hold(x)
    this.#locals.push(x)
    return x
  }

  set(old: Variable<D>, x: Variable<D>): Variable<D> {
    const slot = this.#slot(old)
    this.#names.hold(x)
    this.#locals[slot] = x
    this.#names.drop(old)
    return x
  }

  del(old: Variable<D>): void {
    this.#locals[this.#slot(old)] = null
    this.#names.drop(old)
  }

  /** The function has returned (or thrown): its names go, first declared first. */
  unwind(): void {
    for (let i = 0; i < this.#locals.length; i++) {
      const v = this.#locals[i]
      if (v) this.#names.drop(v)
    }
    this.#locals.length = 0
  }

  #slot(old: Variable<D>): number {
    const slot = this.#locals.indexOf(old)
    if (slot < 0) throw new ReleasedTensor('a name was reassigned that this function does not hold')
    return slot
  }
}

import { Refusal } from '../trace/errors.ts'

/** Several things wrong with one setting, told together. Reads as the first one where only one is shown. */
export class Refusals extends Refusal {
  readonly all: readonly Refusal[]

  constructor(all: readonly [Refusal, ...Refusal[]]) {
    const [first] = all
    super(first.code, first.where, first.message, first.next)
    this.all = all
  }
}

/** Collects what is wrong, so that a person corrects everything in one go. */
export class RefusalList {
  readonly #found: Refusal[] = []

  add(code: string, where: string, message: string, next: string): void {
    this.#found.push(new Refusal(code, where, message, next))
  }

  /** @throws Refusals if anything was added */
  throwIfAny(): void {
    const [first, ...rest] = this.#found
    if (first) throw new Refusals([first, ...rest])
  }
}

import type { Position } from '../autograd/runtime.ts'
import { AFTER } from '../trace/reading.ts'

type Phase = Position['phase']

/** Tells that a phase begins, before anything of it is allocated; `static` is what lies between two steps. */
export type OnPhase = (step: number, phase: Phase) => void

/** Where an executed program is. The framework's own figures are read where one phase ends and the next begins. */
export class ExecutedPosition implements Position {
  step = 0
  pass = 0
  scope = ''
  readonly #onPhase: OnPhase | undefined
  #phase: Phase = 'static'
  #op = ''

  constructor(onPhase?: OnPhase) {
    this.#onPhase = onPhase
  }

  get op(): string {
    return this.#op
  }

  set op(op: string) {
    this.#op = op
    if (AFTER.has(op)) this.#onPhase?.(this.step, 'static')
  }

  get phase(): Phase {
    return this.#phase
  }

  set phase(phase: Phase) {
    this.#phase = phase
    this.#onPhase?.(this.step, phase)
  }
}

import type { Hooks } from '../../../autograd/hooks.ts'
import type { Tape } from '../../../autograd/tape.ts'
import type { Parameter } from '../../../ops/ops.ts'
import type { Simulator } from '../../../simulate/simulator.ts'
import type { SimTensor, View } from '../../../simulate/storage.ts'
import type { Coordinator } from './coordinator.ts'

/**
 * The hooks that stage 3 puts around every module (parameter_offload.py, _register_deepspeed_module): nodes of their own around its
 * results and its arguments tell when its backward begins and ends.
 */
export class PartitionedModules implements Pick<Hooks<View>, 'enter' | 'leave' | 'access'> {
  readonly #simulator: Simulator
  readonly #coordinator: Coordinator
  readonly #stack: { readonly module: string; readonly restore: readonly (() => void)[] }[] = []

  constructor(simulator: Simulator, coordinator: Coordinator) {
    this.#simulator = simulator
    this.#coordinator = coordinator
  }

  enter(tape: Tape<View>, module: string, args: readonly SimTensor[]): void {
    const again = this.#simulator.position.phase === 'backward'
    if (this.#stack.length === 0 && !again) this.#coordinator.beginForward()
    this.#around(() => this.#coordinator.fetch(module, 'forward', again))
    const wanted = tape.recording ? args.filter((v) => v.requiresGrad) : []
    let remaining = wanted.length
    const ended = (): void => {
      if (--remaining === 0) this.#around(() => this.#coordinator.release(module, 'backward'))
    }
    this.#stack.push({ module, restore: wanted.map((v) => tape.through([v], ended)) })
  }

  leave(tape: Tape<View>, module: string, results: readonly SimTensor[]): void {
    // An early stop leaves modules without this.
    let top = this.#stack.pop()
    while (top && top.module !== module) top = this.#stack.pop()
    for (const restore of [...(top?.restore ?? [])].reverse()) restore()
    this.#around(() => this.#coordinator.release(module, 'forward'))
    if (!tape.recording) return
    const begun = (): void => this.#around(() => this.#coordinator.fetch(module, 'backward', false))
    for (const v of results) if (v.requiresGrad) tape.through([v], begun)
  }

  access(parameter: Parameter): void {
    const module = this.#stack.at(-1)?.module
    if (module === undefined || this.#simulator.position.phase !== 'forward') return
    this.#around(() => this.#coordinator.access(module, parameter))
  }

  /** What is gathered stands in the parameter's own module; the program goes on where it was. */
  #around(body: () => void): void {
    const { position } = this.#simulator
    const { scope, op } = position
    body()
    position.scope = scope
    position.op = op
  }
}

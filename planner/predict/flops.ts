import type { ModelSpec } from '../../models/spec.ts'
import type { Operation } from '../autograd/operation.ts'
import type { Library } from '../network/library.ts'
import type { OpName } from '../ops/attributes.ts'
import { backwardFlops, forwardFlops } from '../ops/flops.ts'
import type { Dialect } from '../simulate/dialect.ts'
import { torch } from '../simulate/dialects/torch.ts'
import { Simulator, type SimulatorOptions } from '../simulate/simulator.ts'
import type { View } from '../simulate/storage.ts'
import type { TrainSpec } from '../training/spec.ts'
import { simulate } from './simulate.ts'

/** Work of one whole step, all its micro-steps and passes of reference included: floating-point operations of its matrix products. */
export interface StepFlops {
  readonly forward: number
  /** Forwards of checkpointed regions, run again in the backward. */
  readonly recomputed: number
  readonly backward: number
  readonly total: number
  /** Bytes of all storages that the step makes on the device, each at least written once and read once. */
  readonly madeBytes: number
}

/** Counts the products of a step as the program runs them (planner/ops/flops.ts). Throws `Refusal` for what is not modelled. */
export function stepFlops(
  model: ModelSpec,
  train: TrainSpec,
  options: { readonly library?: Library; readonly dialect?: Dialect } = {},
): StepFlops {
  const tally = { forward: 0, recomputed: 0, backward: 0 }
  const { events } = simulate(model, train, options.dialect ?? torch, {
    steps: 1,
    ...(options.library ? { library: options.library } : {}),
    simulator: (o) => new Counter(o, tally),
  })
  let madeBytes = 0
  for (const e of events)
    if (e.action === 'alloc' && e.phase !== 'static' && e.device === 'device') madeBytes += e.bytes
  return { ...tally, total: tally.forward + tally.recomputed + tally.backward, madeBytes }
}

/** A simulator that adds up what its operations multiply. */
class Counter extends Simulator {
  readonly #tally: Record<'forward' | 'recomputed' | 'backward', number>
  readonly #wrapped = new Map<OpName, Operation<View, OpName>>()

  constructor(options: SimulatorOptions, tally: Record<'forward' | 'recomputed' | 'backward', number>) {
    super(options)
    this.#tally = tally
  }

  override operation<N extends OpName>(op: N): Operation<View, N> {
    // The entry under a name is typed by that name.
    const known = this.#wrapped.get(op) as unknown as Operation<View, N> | undefined
    if (known) return known
    const inner = super.operation(op)
    const wrapped: Operation<View, N> = {
      forward: (call) => {
        const shapes = call.inputs.map((v) => v?.axes ?? null)
        const part = this.position.phase === 'forward' ? 'forward' : 'recomputed'
        // A recomputation that stops at a save of this operation does not run it.
        const outputs = inner.forward(call)
        this.#tally[part] += forwardFlops(op, shapes, call.attributes)
        return outputs
      },
      backward: (call) => {
        const shapes = call.inputs.map((m) => m?.axes ?? null)
        this.#tally.backward += backwardFlops(op, shapes, call.attributes, (i) => call.needs(i))
        return inner.backward(call)
      },
    }
    this.#wrapped.set(op, wrapped as unknown as Operation<View, OpName>)
    return wrapped
  }
}

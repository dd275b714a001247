import type { ModelSpec } from '../../models/spec.ts'
import type { Library } from '../network/library.ts'
import type { Dialect } from '../simulate/dialect.ts'
import { torch } from '../simulate/dialects/torch.ts'
import type { TrainSpec } from '../training/spec.ts'
import { microStepsRun, simulate } from './simulate.ts'

/** Work of one whole step, all its micro-steps and passes of reference included: floating-point operations of its matrix products. */
export interface StepFlops {
  readonly forward: number
  /** Forwards of checkpointed regions, run again in the backward. */
  readonly recomputed: number
  readonly backward: number
  readonly total: number
}

/** Counts the products of a step as the program runs them (planner/ops/flops.ts). Throws `Refusal` for what is not modelled. */
export function stepFlops(
  model: ModelSpec,
  train: TrainSpec,
  options: { readonly library?: Library; readonly dialect?: Dialect } = {},
): StepFlops {
  const { library, dialect = torch } = options
  const { products } = simulate(model, train, dialect, { counted: true, ...(library ? { library } : {}) })
  const tally = { forward: 0, recomputed: 0, backward: 0 }
  const times = train.accumulation / microStepsRun(train)
  for (const { part, count, flops } of products!.all.values()) tally[part] += times * count * flops(({ size }) => size)
  return { ...tally, total: tally.forward + tally.recomputed + tally.backward }
}

import type { FreeformSpec, ModelSpec, T5Spec } from '../../models/spec.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Simulation, simulate } from './simulate.ts'
import type { Stack } from './stack.ts'

type Layered = Exclude<ModelSpec, T5Spec | FreeformSpec>

/** A number of layers to count by. T5's stacks share biases between theirs; the blocks of a description are a person's own. */
const hasEqualLayers = (model: ModelSpec): model is Layered => model.family !== 't5' && model.family !== 'freeform'

/** A setting at two depths, one layer apart, that any greater depth follows from if the longer repeats the shorter. */
export interface Depths {
  readonly short: Simulation
  readonly long: Simulation
  /** Layers of the shorter one. */
  readonly few: number
  /** How many more layers the model has. */
  readonly more: number
}

/** A first, a middle and a last layer. */
export const FEW = 3

/** The two depths; null for a model without equal layers, or with fewer than `least`. */
export function depthsOf(model: ModelSpec, train: TrainSpec, stack: Stack, least: number): Depths | null {
  if (!hasEqualLayers(model) || model.layers < least) return null
  const { dialect, library } = stack
  const at = (layers: number) => simulate({ ...model, layers }, train, dialect, { library })
  return { short: at(FEW), long: at(FEW + 1), few: FEW, more: model.layers - FEW }
}

/** From so many layers on two small simulations cost less than the whole one. */
export const WORTHWHILE = 2 * FEW + 2

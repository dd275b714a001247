import type { Hooks } from '../autograd/hooks.ts'
import type { Leaf } from '../autograd/variable.ts'
import type { Network } from '../network/network.ts'
import type { Simulator } from '../simulate/simulator.ts'
import type { View } from '../simulate/storage.ts'
import type { Pipe } from '../training/pipeline-step.ts'
import type { StepOptimizer } from '../training/step.ts'

/**
 * One rank's part in a step, where it differs from a single device's. The step itself, the tape and all that reads the trace stay
 * as they are: a strategy holds other tensors for the parameters and acts through `hooks`.
 */
export interface Rank {
  /** The program that the rank runs. Its parameters are those that `materialize` made tensors for. */
  readonly network: Network
  readonly hooks?: Hooks<View>
  /** Makes what lies on the device and on the host before the first step, in the order of its allocation. */
  materialize(): void
  /** The second step is not like the first but for the optimizer: two are run whole. */
  readonly changes?: boolean
  /** What the optimizer steps; `null` for the network's own parameters. */
  readonly leaves: (() => readonly Leaf<View>[]) | null
  /** A stage's tensors and turns, where the ranks stand in a pipeline. */
  pipe?(): Pipe<View>
  /** The optimizer with what the strategy does around its step. */
  optimizer?(inner: StepOptimizer<View>): StepOptimizer<View>
}

/** Makes a simulation's rank: its state is the simulator's. */
export type RankOf = (simulator: Simulator) => Rank

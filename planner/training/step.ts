import type { AutocastPolicy } from '../autograd/autocast.ts'
import type { Order } from '../autograd/engine.ts'
import type { Runtime } from '../autograd/runtime.ts'
import { Tape } from '../autograd/tape.ts'
import type { Leaf, Variable } from '../autograd/variable.ts'
import type { Batch, Network } from '../network/network.ts'

/** What the loop needs of a runtime's optimizer. */
export interface StepOptimizer<D> {
  step(leaves: readonly Leaf<D>[]): void
}

/** How much of a step is run. */
export interface StepOptions<D> {
  /** Reads the loss's value before the backward. */
  readonly onLoss?: (loss: Variable<D>) => void
  readonly autocast?: AutocastPolicy | null
  /** The engine's order, where a control turns it around. */
  readonly order?: Order | undefined
  /** Lets the optimizer step once more as the next step's: all a simulation needs to know of a steady step. */
  readonly foldNext?: boolean
}

/** One step as the Trainer's loop runs it: the outputs are dropped before the backward, gradients are set to none at the end. */
export function trainStep<D>(
  runtime: Runtime<D>,
  network: Network,
  batch: Batch<Variable<D>>,
  optimizer: StepOptimizer<D>,
  step: number,
  options: StepOptions<D> = {},
): void {
  const { position } = runtime
  const tape = new Tape<D>(runtime, options.autocast ?? null, options.order)
  position.step = step
  position.phase = 'forward'
  position.scope = ''
  const [logits, loss] = network.forward(tape, batch)
  tape.hold(loss)
  tape.hold(logits)
  tape.drop(logits)
  tape.endAutocast()
  options.onLoss?.(loss)
  position.phase = 'backward'
  tape.backward(loss)
  position.phase = 'optimizer'
  const leaves = leavesOf(runtime, network)
  optimizer.step(leaves)
  if (options.foldNext) {
    position.step = step + 1
    optimizer.step(leaves)
  }
  position.scope = ''
  position.op = 'zero_grad'
  for (const leaf of leaves) tape.zeroGrad(leaf)
  position.op = 'del loss'
  tape.finish(loss)
}

/** The leaves that train, in `named_parameters()` order. */
export function leavesOf<D>(runtime: Runtime<D>, network: Network): Leaf<D>[] {
  return network.parameters.filter((p) => p.trains).map((p) => runtime.parameter(p).leaf!)
}

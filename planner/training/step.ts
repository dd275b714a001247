import type { AutocastPolicy } from '../autograd/autocast.ts'
import type { Order } from '../autograd/engine.ts'
import type { Hooks } from '../autograd/hooks.ts'
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
  readonly autocast?: AutocastPolicy | null
  /** The network with its adapter disabled, where it gives each batch a loss of reference first. */
  readonly reference?: Network | null
  /** Forwards and backwards before the optimizer steps; each loss is divided by their number. */
  readonly microSteps?: number
  /** The engine's order, where a control turns it around. */
  readonly order?: Order | undefined
  /** What goes on around modules and gradients, where a rank of several runs the step. */
  readonly hooks?: Hooks<D> | undefined
  /** What the optimizer steps and `zero_grad` frees, where that is not the network's own parameters. */
  readonly leaves?: (() => readonly Leaf<D>[]) | undefined
  /** Lets the optimizer step once more as the next step's: all a simulation needs to know of a steady step. */
  readonly foldNext?: boolean
}

/**
 * One step as the Trainer's loop runs it: the outputs are dropped before the backward, gradients are set to none at the end. Of
 * several micro-steps each one's loss goes before the next begins (transformers/trainer.py, training_step).
 *
 * Gives out each loss before its backward, so that who runs it on a device can wait for the number there; exhaust it.
 */
export function* trainStep<D>(
  runtime: Runtime<D>,
  network: Network,
  batch: Batch<Variable<D>>,
  optimizer: StepOptimizer<D>,
  step: number,
  options: StepOptions<D> = {},
): Generator<Variable<D>, void> {
  const { position } = runtime
  const { microSteps = 1 } = options
  position.step = step
  position.pass = 0
  options.hooks?.beginMicroStep?.(microSteps === 1)
  let last = yield* microStep(runtime, network, batch, options)
  for (let i = 1; i < microSteps; i++) {
    finish(last)
    options.hooks?.beginMicroStep?.(i === microSteps - 1)
    last = yield* microStep(runtime, network, batch, options)
  }
  update(last.tape, optimizer, options.leaves?.() ?? leavesOf(runtime, network), options.foldNext)
  finish(last)
}

/** The optimizer's step, once more as the next step's where that is folded in, and `zero_grad`. */
export function update<D>(
  tape: Tape<D>,
  optimizer: StepOptimizer<D>,
  leaves: readonly Leaf<D>[],
  foldNext = false,
): void {
  const { position } = tape.runtime
  position.phase = 'optimizer'
  const stepped = leaves.filter((leaf) => leaf.parameter?.trains)
  optimizer.step(stepped)
  if (foldNext) {
    position.step++
    optimizer.step(stepped)
  }
  position.scope = ''
  position.op = 'zero_grad'
  for (const leaf of leaves) tape.zeroGrad(leaf)
}

interface MicroStep<D> {
  readonly tape: Tape<D>
  readonly loss: Variable<D>
  /** The loss of the reference pass. */
  readonly reference: Variable<D> | null
}

/** The loss goes, and with it the graph. */
function finish<D>({ tape, loss, reference }: MicroStep<D>): void {
  tape.runtime.position.scope = ''
  tape.runtime.position.op = 'del loss'
  tape.finish(loss)
  if (reference) tape.drop(reference)
}

/** A forward and its backward. */
function* microStep<D>(
  runtime: Runtime<D>,
  network: Network,
  batch: Batch<Variable<D>>,
  { microSteps = 1, autocast, order, hooks, reference: disabled }: StepOptions<D>,
): Generator<Variable<D>, MicroStep<D>> {
  const { position } = runtime
  const tape = new Tape<D>(runtime, autocast ?? null, order, hooks)
  position.phase = 'forward'
  position.scope = ''
  const reference = disabled ? tape.noGrad(() => forward(tape, disabled, batch)) : null
  const loss = forward(tape, network, batch)
  yield loss
  const scaled = microSteps > 1 ? tape.mulScalar(loss, 1 / microSteps) : loss
  if (scaled !== loss) {
    tape.hold(scaled)
    tape.drop(loss)
  }
  position.phase = 'backward'
  if (hooks?.backward) hooks.backward(tape, scaled)
  else tape.backward(scaled)
  return { tape, loss: scaled, reference }
}

/** `model(**batch).loss` under autocast: the outputs go but for the loss. */
function forward<D>(tape: Tape<D>, network: Network, batch: Batch<Variable<D>>): Variable<D> {
  tape.runtime.position.pass++
  const [logits, loss] = network.forward(tape, batch)
  tape.hold(loss)
  if (logits) {
    tape.hold(logits)
    tape.drop(logits)
  }
  tape.endAutocast()
  return loss
}

/** The leaves that get a gradient, in `named_parameters()` order. */
export function leavesOf<D>(runtime: Runtime<D>, network: Network): Leaf<D>[] {
  return network.parameters.filter((p) => p.trains || p.strayGradient).map((p) => runtime.parameter(p).leaf!)
}

import type { Order } from '../autograd/engine.ts'
import type { Runtime } from '../autograd/runtime.ts'
import { Tape } from '../autograd/tape.ts'
import type { Leaf, Variable } from '../autograd/variable.ts'
import type { Batch, Network } from '../network/network.ts'
import type { StageProgram } from '../network/stage.ts'
import type { Turn } from './schedule.ts'
import { leavesOf, type StepOptimizer, update } from './step.ts'

/** A stage's place, and what it receives into: tensors that stay, one for each micro-batch of a step. */
export interface Pipe<D> {
  readonly turns: readonly Turn[]
  readonly batch: number
  /** Hidden states of the stage before; null on the first. */
  readonly received: readonly Variable<D>[] | null
  /** Gradients of what was sent; null on the last. */
  readonly gradients: readonly Variable<D>[] | null
}

export interface PipelineOptions {
  readonly order?: Order | undefined
  /** As `trainStep` has it. */
  readonly foldNext?: boolean
}

/** One micro-batch between its forward and its backward, and as long as a name still holds what the stage made of it. */
interface Flight<D> {
  readonly tape: Tape<D>
  readonly input: Variable<D>
  readonly output: Variable<D>
  /** Once it is worked out, on the last stage. */
  loss: Variable<D> | null
}

/**
 * One step of a pipeline's stage (torch/distributed/pipelining, Schedule1F1B without collected outputs): a graph a micro-batch, those
 * under way side by side. The names of the schedule's loop hold a little longer than they are used: what the last forward made until
 * the next one has made its own, the last gradient that was sent until the next is there.
 */
export function pipelineStep<D>(
  runtime: Runtime<D>,
  network: Network,
  batch: Batch<Variable<D>>,
  optimizer: StepOptimizer<D>,
  step: number,
  pipe: Pipe<D>,
  options: PipelineOptions = {},
): void {
  const { position } = runtime
  const program = network.stage
  if (!program) throw new Error('the network is no stage of a pipeline')
  position.step = step
  position.pass = 0
  const under = new Map<number, Flight<D>>()
  const flown: Flight<D>[] = []
  /** `output` */
  let output: Flight<D> | null = null
  /** `bwd_sends` */
  let sent: { readonly tape: Tape<D>; readonly gradient: Variable<D> } | null = null

  for (const { do: what, microBatch } of pipe.turns) {
    if (what === 'forward') {
      const flight = forward(runtime, program, batch, pipe, microBatch, options.order)
      under.set(microBatch, flight)
      flown.push(flight)
      flight.tape.hold(flight.output)
      if (output) letGo(output)
      output = flight
      if (batch.labels) takeLoss(program, flight, rowsOf(flight.tape, batch.labels, pipe, microBatch))
    } else {
      const flight = under.get(microBatch)!
      under.delete(microBatch)
      const gradient = backward(runtime, flight, pipe.gradients?.[microBatch] ?? null)
      letGo(flight)
      if (sent) sent.tape.end(sent.gradient)
      sent = gradient && { tape: flight.tape, gradient }
    }
  }
  position.scope = ''
  position.op = 'step returns'
  if (output) letGo(output)
  if (sent) sent.tape.end(sent.gradient)

  update(flown[0]!.tape, optimizer, leavesOf(runtime, network), options.foldNext)
  position.op = 'del loss'
  for (const { tape, loss } of flown) if (loss) tape.finish(loss)
}

/** Ids or hidden states of a micro-batch through the stage. */
function forward<D>(
  runtime: Runtime<D>,
  program: StageProgram,
  batch: Batch<Variable<D>>,
  pipe: Pipe<D>,
  microBatch: number,
  order: Order | undefined,
): Flight<D> {
  const { position } = runtime
  const tape = new Tape<D>(runtime, null, order)
  position.phase = 'forward'
  position.scope = ''
  position.pass++
  const input = pipe.received?.[microBatch] ?? rowsOf(tape, batch.input_ids!, pipe, microBatch)
  const output = program.run(tape, input)
  tape.hold(output)
  return { tape, input, output, loss: null }
}

/** The loss goes into a list that lasts until the step has ended. */
function takeLoss<D>(program: StageProgram, flight: Flight<D>, labels: Variable<D>): void {
  const { tape, output } = flight
  tape.runtime.position.scope = ''
  flight.loss = program.loss(tape, output, labels)
  tape.hold(flight.loss)
}

/** A micro-batch's rows of the whole batch: a view. */
const rowsOf = <D>(tape: Tape<D>, whole: Variable<D>, { batch }: Pipe<D>, microBatch: number): Variable<D> =>
  tape.slice(whole, 0, microBatch * batch, batch, 'b')

/** Back from the loss or from the gradient that was received; the gradient of what the stage was given, where it was sent something. */
function backward<D>(runtime: Runtime<D>, flight: Flight<D>, received: Variable<D> | null): Variable<D> | null {
  const { position } = runtime
  const { tape, input, output, loss } = flight
  position.phase = 'backward'
  position.scope = ''
  if (loss) tape.backward(loss)
  else tape.backward(output, received!)
  const { leaf } = input
  const gradient = leaf?.grad ?? null
  if (leaf) leaf.grad = null
  return gradient
}

/** One name less holds what the stage made; without a loss its graph goes with it. */
function letGo<D>({ tape, output, loss }: Flight<D>): void {
  if (!loss && output.names === 1) tape.finish(output)
  else tape.drop(output)
}

/** Lets a received tensor gather a gradient of its own. */
export function asLeaf<D>(v: Variable<D>): Variable<D> {
  const leaf: Leaf<D> = { variable: v, parameter: null, grad: null }
  v.requiresGrad = true
  v.leaf = leaf
  return v
}

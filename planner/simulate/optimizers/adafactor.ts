import type { Leaf } from '../../autograd/variable.ts'
import { type Axes, ONE } from '../../trace/axes.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import type { SimOptimizer } from './optimizer.ts'
import { Slots } from './slots.ts'
import { locate } from './state.ts'

/**
 * transformers.optimization.Adafactor as the Trainer sets it up (transformers/trainer_optimizer.py, _get_adafactor: no relative step, no
 * scale by the parameter, no first moment): the second moment of a matrix as row and column means, all in float32. Locals
 * of the loop live on into the next parameter's round.
 */
export function adafactor(simulator: Simulator): SimOptimizer {
  const rms = new Map<Leaf<View>, SimTensor>()
  return {
    step(leaves) {
      const slots = new Slots(simulator)
      for (const leaf of leaves) if (leaf.grad !== null) update(new Round(simulator, leaf), slots, rms)
      for (const name of LOCALS) slots.assign(name)
    },
  }
}

/** As the function returns, in the order in which it first named them. */
const LOCALS = ['grad', 'p_data_fp32', 'update'] as const

/** One parameter's turn: makes its tensors in float32. */
class Round {
  readonly simulator: Simulator
  readonly leaf: Leaf<View>
  readonly axes: Axes

  constructor(simulator: Simulator, leaf: Leaf<View>) {
    this.simulator = simulator
    this.leaf = leaf
    this.axes = leaf.variable.axes
  }

  make(op: string, axes: Axes = this.axes): SimTensor {
    locate(this.simulator, this.leaf, op)
    return this.simulator.alloc(axes, 'float32')
  }

  state(axes: Axes, op = 'state'): SimTensor {
    locate(this.simulator, this.leaf, op)
    return this.simulator.keep(this.simulator.alloc(axes, 'float32', undefined, 'optimizer state'))
  }

  release(...tensors: readonly SimTensor[]): void {
    for (const t of tensors) this.simulator.release(t)
  }

  /** `tensor.norm(2) / √n` */
  rms(make: () => SimTensor): SimTensor {
    const norm = this.make('norm', [])
    const result = make()
    this.release(norm)
    return result
  }
}

function update(round: Round, slots: Slots, rms: Map<Leaf<View>, SimTensor>): void {
  const { leaf, axes } = round
  const factored = axes.length >= 2
  const [rows, columns] = [axes.slice(0, -1), [...axes.slice(0, -2), ...axes.slice(-1)]]
  const narrow = leaf.variable.dtype !== 'float32'
  slots.assign('grad')
  if (narrow) slots.assign('grad', round.make('to'))
  const old = rms.get(leaf)
  if (!old) for (const shape of factored ? [rows, columns] : [axes]) round.state(shape)
  slots.assign('p_data_fp32')
  if (narrow) slots.assign('p_data_fp32', round.make('to'))
  rms.set(
    leaf,
    round.rms(() => round.state([], 'div')),
  )
  if (old) round.release(old)
  const square = round.make('pow')
  const sum = round.make('add')
  round.release(square)
  slots.assign('update', sum)
  if (factored) {
    for (const shape of [rows, columns]) round.release(round.make('mean', shape))
    const mean = round.make('mean', [...rows.slice(0, -1), ONE])
    const rowFactor = round.make('div', rows)
    round.release(mean)
    const columnFactor = round.make('rsqrt', columns)
    const product = round.make('mul')
    round.release(rowFactor, columnFactor)
    slots.assign('update', product)
  } else slots.assign('update', round.make('rsqrt'))
  const size = round.rms(() => round.make('div', []))
  const clipped = round.make('div', [])
  round.release(size, clipped, round.make('neg'))
}

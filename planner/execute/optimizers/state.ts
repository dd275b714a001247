import type { Tensor } from '@tensorflow/tfjs-core'
import type { Leaf } from '../../autograd/variable.ts'
import type { Executor } from '../executor.ts'
import type { Num } from '../kernels/primitives.ts'

/** What the training loop calls. */
export interface Optimizer {
  step(leaves: readonly Leaf<Tensor>[]): void
}

/** One rate for all steps, or the rate of each, counted from 1 (torch.optim.lr_scheduler.LambdaLR). */
export type LearningRate = number | ((step: number) => number)

export const rateAt = (lr: LearningRate, step: number): number => (typeof lr === 'number' ? lr : lr(step))

/** A leaf during its update: parameter, gradient and the two moments, all as long. */
export interface Update {
  readonly parameter: Num
  readonly gradient: Num
  readonly mean: Num
  readonly square: Num
  /** Steps taken, this one included. */
  readonly steps: number
}

interface Moments {
  readonly mean: Num
  readonly square: Num
  steps: number
}

/** The two moments of each parameter, made when it is first stepped. The count of steps is no tensor here. */
export class AdamState {
  readonly #executor: Executor
  readonly #moments = new Map<Leaf<Tensor>, Moments>()

  constructor(executor: Executor) {
    this.#executor = executor
  }

  /** Makes the moments of a leaf that has none yet. */
  make(leaf: Leaf<Tensor>): void {
    if (this.#moments.has(leaf)) return
    const { position } = this.#executor
    const path = leaf.parameter?.path ?? ''
    position.scope = path.slice(0, Math.max(0, path.lastIndexOf('.')))
    position.op = 'state'
    const { axes, dtype } = leaf.variable
    const zeros = () => this.#executor.keep(axes, dtype, 'optimizer state', null, path)
    this.#moments.set(leaf, { mean: zeros(), square: zeros(), steps: 0 })
  }

  /** Counts a step and gives the leaf's tensors. */
  next(leaf: Leaf<Tensor>): Update {
    const moments = this.#moments.get(leaf)!
    return {
      parameter: leaf.variable,
      gradient: leaf.grad!,
      mean: moments.mean,
      square: moments.square,
      steps: ++moments.steps,
    }
  }
}

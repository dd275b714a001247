import type { Parameter, Tensor } from '../ops/ops.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Node } from './node.ts'

/** A tensor was used after its last holder let it go: the program's lifetimes are wrong. */
export class ReleasedTensor extends Error {
  readonly code = 'released-tensor'
}

/**
 * What Python's tensor object is to autograd, over a runtime's own data `D` (a view of a simulated storage, a tfjs tensor).
 * `names` counts the holders in the program; a variable without one is consumed by the operation that takes it.
 */
export class Variable<D> implements Tensor {
  readonly axes: Axes
  readonly dtype: DType
  readonly data: D
  requiresGrad = false
  /** The node that made it; null for leaves and for what was computed without recording. */
  node: Node<D> | null = null
  /** Which of the node's results it is. */
  output = 0
  names = 0
  alive = true
  /** It is the gradient of a whole tensor of which its input is a rank's piece. */
  whole = false
  /** The parameter it stands for, if any. */
  leaf: Leaf<D> | null = null

  constructor(axes: Axes, dtype: DType, data: D) {
    this.axes = axes
    this.dtype = dtype
    this.data = data
  }
}

/** A parameter (or an input that requires a gradient) as the engine's last stop. */
export interface Leaf<D> {
  readonly variable: Variable<D>
  readonly parameter: Parameter | null
  grad: Variable<D> | null
  /** Called before its gradient is stored (`Tensor.register_hook`). */
  watchers?: (() => void)[]
}

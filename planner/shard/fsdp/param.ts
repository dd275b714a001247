import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor, View } from '../../simulate/storage.ts'
import { contiguousStrides } from '../../simulate/strides.ts'
import { numel } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Device } from '../../trace/event.ts'
import { chunkOf } from '../chunk.ts'

/** How parameters are cut and typed. */
export interface Cut {
  readonly ranks: number
  readonly rank: number
  readonly device: Device
}

/** One parameter in shards (_fsdp_param.py, FSDPParam): a padded shard that lasts, and the whole, which has bytes only while it is gathered. */
export class ShardedParameter {
  readonly parameter: Parameter
  /** Where its module stands. */
  readonly scope: string
  /** The shard's own type, and that in which modules compute. */
  readonly dtype: DType
  /** Elements of the padded shard. */
  readonly elements: number
  readonly whole: SimTensor
  /** The optimizer's: the shard without its padding. Null where the parameter is frozen. */
  readonly shard: Leaf<View> | null

  /** Makes the shard. `parameter` is the program's, in the type it computes in; `dtype` the shard's. */
  constructor(simulator: Simulator, parameter: Parameter, dtype: DType, { ranks, rank, device }: Cut) {
    const { path, axes } = parameter
    const { own, padded, whole } = chunkOf(axes, ranks, rank)
    const dot = path.lastIndexOf('.')
    this.parameter = parameter
    this.scope = path.slice(0, Math.max(0, dot))
    this.dtype = dtype
    this.elements = numel(padded)
    simulator.position.scope = this.scope
    simulator.position.op = path.slice(dot + 1)
    const flat = simulator.keep(simulator.alloc(padded, dtype, undefined, 'parameter', device))
    this.whole = simulator.keep(simulator.hollow(axes, parameter.dtype, undefined, whole))
    simulator.place(parameter, this.whole)
    this.shard = null
    if (!parameter.trains) return
    this.whole.requiresGrad = true
    this.whole.leaf = { variable: this.whole, parameter, grad: null }
    const variable = simulator.keep(simulator.view(flat, own, contiguousStrides(own)))
    this.shard = { variable, parameter, grad: null }
  }

  /** The gradient of the whole parameter leaves its `.grad`. */
  takeGradient(): SimTensor | null {
    const { leaf } = this.whole
    if (!leaf?.grad) return null
    const { grad } = leaf
    leaf.grad = null
    return grad
  }
}

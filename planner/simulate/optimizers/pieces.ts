import type { Leaf } from '../../autograd/variable.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import { locate } from './state.ts'

/**
 * The rank's pieces of gradients that lie whole: an operation on a distributed weight and such a gradient cuts it anew
 * (torch/distributed/tensor/_dispatch.py, redistribute_local_args).
 */
export const pieces = (simulator: Simulator, leaves: readonly Leaf<View>[], op: string): SimTensor[] =>
  leaves
    .filter((leaf) => leaf.grad?.whole)
    .map((leaf) => {
      locate(simulator, leaf, op)
      return simulator.alloc(leaf.variable.axes, leaf.variable.dtype)
    })

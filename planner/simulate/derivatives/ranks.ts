import type { Operation } from '../../autograd/operation.ts'
import { type Axes, ONE } from '../../trace/axes.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import { isContiguous } from '../strides.ts'

// What a collective of torch/distributed/_functional_collectives.py makes: always a new tensor, beside its argument. What NCCL has for itself
// is none of the allocator's.

/** The sum stands beside the part (csrc/distributed/c10d/Functional.cpp, all_reduce: input.clone()). */
const summed = (simulator: Simulator, part: SimTensor): SimTensor => simulator.alloc(part.axes, part.dtype)

/** _redistribute.py, Partial to Replicate; its gradient is replicated and stays so (Redistribute.backward). */
export const allReduce = (simulator: Simulator): Operation<View, 'all_reduce'> => ({
  forward: ({ inputs }) => [summed(simulator, inputs[0]!)],
  backward: ({ grads }) => [grads[0]!],
})

/** _api.py, _FromTorchTensor of a replicated tensor: a partial gradient is summed before it is local again. */
export const copyToRanks = (simulator: Simulator): Operation<View, 'copy_to_ranks'> => ({
  forward: ({ inputs }) => [simulator.view(inputs[0]!, inputs[0]!.axes, inputs[0]!.data.strides)],
  backward: ({ grads }) => [summed(simulator, grads[0]!)],
})

const withLast = (axes: Axes, last: Axes[number]): Axes => [...axes.slice(0, -1), last]

/** all_gather_single: one after the other along the first axis, then laid side by side (torch.cat). */
function gathered(simulator: Simulator, piece: SimTensor, axes: Axes): SimTensor {
  const stacked = simulator.alloc(axes, piece.dtype)
  const whole = simulator.alloc(axes, piece.dtype)
  simulator.release(stacked)
  return whole
}

/** The rank's columns of a tensor that lies whole (placement_types.py, Shard._split_tensor): dense. */
function cut(simulator: Simulator, whole: SimTensor, axes: Axes): SimTensor {
  const rows = axes.slice(0, -1).every((a) => a.size === ONE.size)
  const isDense = rows && isContiguous(whole.axes, whole.data.strides)
  return isDense ? simulator.view(whole, axes, whole.data.strides) : simulator.alloc(axes, whole.dtype)
}

/** _redistribute.py, Shard to Replicate. */
export const allGather = (simulator: Simulator): Operation<View, 'all_gather'> => ({
  forward: ({ inputs, attributes: { whole } }) => [gathered(simulator, inputs[0]!, withLast(inputs[0]!.axes, whole))],
  backward: ({ grads, inputs }) => [cut(simulator, grads[0]!, inputs[0]!.axes)],
})

/** _redistribute.py, Replicate to Shard. */
export const ownPiece = (simulator: Simulator): Operation<View, 'own_piece'> => ({
  forward: ({ inputs, attributes: { piece } }) => [cut(simulator, inputs[0]!, withLast(inputs[0]!.axes, piece))],
  backward: ({ grads, inputs }) => [gathered(simulator, grads[0]!, inputs[0]!.axes)],
})

/**
 * _ops/_embedding_ops.py with _MaskPartial: ids of other ranks' rows are masked, their results set to zero in place. embedding_dense_backward
 * knows ids of the whole table only, so its gradient has a row for each.
 */
export const embeddingPiece = (simulator: Simulator): Operation<View, 'embedding_piece'> => ({
  forward: (call) => {
    const [weight, ids] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(0)) call.save('indices', ids, 'dW by the indices')
    const bits = (): SimTensor => simulator.alloc(ids.axes, 'bool')
    const [below, above, mask] = [bits(), bits(), bits()]
    simulator.release(below)
    simulator.release(above)
    const copy = simulator.alloc(ids.axes, ids.dtype)
    const shifted = simulator.alloc(ids.axes, ids.dtype)
    simulator.release(copy)
    const rows = simulator.alloc([...ids.axes, weight.axes[1]!], weight.dtype)
    simulator.release(shifted)
    simulator.release(mask)
    return [rows]
  },
  backward: ({ grads, inputs, attributes: { whole } }) => {
    const gradient = simulator.alloc([whole, inputs[0]!.axes[1]!], grads[0]!.dtype)
    gradient.whole = true
    return [gradient, null]
  },
})

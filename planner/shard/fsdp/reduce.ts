import type { SimTensor } from '../../simulate/storage.ts'
import { contiguousStrides } from '../../simulate/strides.ts'
import { type Axes, flat } from '../../trace/axes.ts'
import type { Communication } from './comm.ts'
import type { GroupManner } from './group.ts'
import type { ShardedParameter } from './param.ts'

/** A whole parameter's gradient on its way to the ranks. */
export interface Gradient {
  readonly of: ShardedParameter
  readonly grad: SimTensor
}

/** What a reduction leaves behind for others to release. */
export interface Reduction {
  readonly input: SimTensor
  /** What a hybrid's all-reduce ran over, where it is not the gradients themselves. */
  readonly reduced: SimTensor | null
}

/**
 * _fsdp_collectives.py, foreach_reduce: gradients side by side in a padded buffer, reduced into the rank's part, cast to the
 * shards' type; each shard's gradient is a view of that. The last gradient lives until the function returns: the name of its loop
 * holds it.
 */
export function reduce(
  { simulator, ranks, replicas }: Communication,
  name: string,
  gradients: readonly Gradient[],
  { offload }: GroupManner,
): Reduction {
  const { dtype } = gradients[0]!.grad
  const own = gradients[0]!.of.dtype
  const elements = gradients.reduce((n, { of }) => n + of.elements, 0)
  const trained = `${name}, trained`
  const part: Axes = [flat(trained, elements, ranks)]
  simulator.position.op = 'reduce_scatter'
  const input = simulator.alloc([flat(trained, elements * ranks)], dtype)
  for (const { grad } of gradients.slice(0, -1)) simulator.release(grad)
  simulator.stream = 'reduce'
  const scattered = simulator.alloc(part, dtype)
  const output = own === dtype ? scattered : simulator.alloc(part, own)
  simulator.stream = null
  const keeps = replicas > 1
  if (output !== scattered && !keeps) simulator.release(scattered)
  const reduced = keeps ? (output === scattered ? simulator.alias(output) : scattered) : null
  const accumulates = gradients.some(({ of }) => of.shard?.grad)
  for (const { of } of gradients) {
    const leaf = of.shard!
    if (leaf.grad) continue
    const { axes, dtype: type } = leaf.variable
    leaf.grad = offload
      ? simulator.alloc(axes, type, undefined, 'gradient', 'host')
      : simulator.view(output, axes, contiguousStrides(axes))
  }
  if (!offload && !accumulates) simulator.retag(output, 'gradient')
  simulator.release(output)
  simulator.release(gradients.at(-1)!.grad)
  return { input, reduced }
}

import type { Hooks } from '../autograd/hooks.ts'
import type { Leaf } from '../autograd/variable.ts'
import type { Batch, Network } from '../network/network.ts'
import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import type { Simulator } from '../simulate/simulator.ts'
import type { SimTensor, View } from '../simulate/storage.ts'
import { flat, numel } from '../trace/axes.ts'
import type { Replicated } from '../training/parallelism.ts'
import type { RankOf } from './rank.ts'

/**
 * A rank under DistributedDataParallel (torch/nn/parallel/distributed.py, torch/csrc/distributed/c10d/reducer.cpp of torch 2.13).
 * Its buckets hold every gradient a second time and last (Reducer::initialize_buckets), each parameter's part counted here as a
 * storage of its own, since the bytes do not depend on how parts share buckets. Where gradients are views of them, a new
 * gradient is copied and goes (Reducer::mark_variable_ready_dense).
 */
export function replicated(network: Network, { bucketViews, findUnused }: Replicated): RankOf {
  const trained = network.parameters.filter((p) => p.trains || p.strayGradient)
  return (simulator) => {
    const buckets = new Map<Parameter, SimTensor>()
    let reduces = true
    /** Whether gradients were reduced since buffers were last handed around (`require_forward_param_sync`). */
    let stale = true
    const hooks: Hooks<View> = {
      beginMicroStep(last) {
        reduces = last
      },
      accumulated(leaf) {
        if (bucketViews && reduces) intoBucket(simulator, leaf, buckets)
      },
    }
    return {
      network: wrapped(network, findUnused, () => {
        if (stale) syncBuffers(simulator, network)
        stale = reduces
      }),
      hooks,
      leaves: null,
      materialize() {
        simulator.materialize([...network.parameters, ...network.buffers, ...(network.quantization ?? [])])
        for (const p of trained) {
          simulator.position.scope = p.path.slice(0, Math.max(0, p.path.lastIndexOf('.')))
          simulator.position.op = 'bucket'
          buckets.set(p, simulator.keep(simulator.alloc(p.axes, p.dtype, undefined, 'gradient')))
        }
        simulator.position.scope = ''
        // Reducer::initialize_local_used_map
        if (findUnused)
          simulator.keep(simulator.alloc([flat('tensors', trained.length)], 'int32', undefined, 'gradient'))
      },
    }
  }
}

/**
 * DDP's own forward: buffers first. Where it looks for unused parameters, what the model returned goes through a function that
 * copies it, whole logits among it (distributed.py, _DDPSink).
 */
const wrapped = (network: Network, sinks: boolean, before: () => void): Network => ({
  ...network,
  forward<T extends Tensor>(o: Shorthand<T>, batch: Batch<T>) {
    before()
    const [logits, loss] = network.forward(o, batch)
    if (!sinks) return [logits, loss] as const
    const copy = (x: T): T => o.run('clone', [x], {})
    if (logits === null) return [null, o.call([loss], (s) => s.let(copy(loss)))] as const
    const [copiedLogits, copiedLoss] = o.call([logits, loss], (s) => {
      const second = s.let(copy(loss))
      return [s.let(copy(logits)), second]
    })
    return [copiedLogits!, copiedLoss!] as const
  },
})

/** The reducer makes `.grad` the bucket's part; what AccumulateGrad had kept goes. */
function intoBucket(simulator: Simulator, leaf: Leaf<View>, buckets: ReadonlyMap<Parameter, SimTensor>): void {
  const bucket = leaf.parameter && buckets.get(leaf.parameter)
  const { grad } = leaf
  if (!bucket || !grad || grad.data.storage === bucket.data.storage) return
  leaf.grad = simulator.view(bucket, bucket.axes, bucket.data.strides)
  simulator.release(grad)
}

/** DDP's forward hands rank 0's buffers around, those of one type in one tensor (reducer.cpp's neighbour comm.cpp, broadcast_coalesced). */
function syncBuffers(simulator: Simulator, { buffers }: Network): void {
  simulator.position.op = 'broadcast_buffers'
  const byType = new Map<string, Parameter[]>()
  for (const b of buffers) byType.set(b.dtype, [...(byType.get(b.dtype) ?? []), b])
  const sent = [...byType.values()].filter((group) => group.length > 1)
  const made = sent.map((group) => {
    const size = group.reduce((n, b) => n + numel(b.axes), 0)
    return simulator.alloc([flat('buffers', size)], group[0]!.dtype)
  })
  for (const v of made) simulator.release(v)
}

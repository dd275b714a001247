import type { ModelSpec } from '../../models/spec.ts'
import type { EstimateBody, Ranks } from '../result/estimate.ts'
import type { DataParallel, Zero } from '../training/parallelism.ts'
import type { TrainSpec } from '../training/spec.ts'
import { peakOf } from './peak.ts'
import type { Stack } from './stack.ts'

const MIB = 2 ** 20

/**
 * Who holds most and least of a training over several devices; nothing for one. Shards are cut from the front, so that no rank holds
 * more than the first of its replica, nor less than the last.
 */
export function ranksOf(model: ModelSpec, train: TrainSpec, stack: Stack): Pick<EstimateBody, 'ranks'> {
  const { parallelism } = train
  if (!parallelism) return {}
  const { gpus, rank, data } = parallelism
  // ZeRO's parts are equal; which rank owns pieces of more parameters depends on where parts begin.
  if (data.kind === 'zero') return {}
  const last = { ...train, parallelism: { ...parallelism, rank: gpus - 1 } }
  const peak_bytes = peakOf(model, last, stack).bytes
  return {
    ranks: {
      gpus,
      strategy: strategyOf(data),
      worst: rank,
      least: { rank: gpus - 1, peak_bytes },
      not_counted: [nccl(data)],
    },
  }
}

function strategyOf(data: Exclude<DataParallel, Zero>): string {
  if (data.kind === 'ddp') return 'ddp'
  const sharded = data.reshard ? 'full_shard' : 'shard_grad_op'
  return data.replicas === 1 ? sharded : data.reshard ? 'hybrid_shard' : 'hybrid_shard_zero2'
}

/** A hybrid has a communicator within the node and one between nodes. */
function nccl(data: DataParallel): Ranks['not_counted'][number] {
  const communicators = data.kind === 'fsdp' && data.replicas > 1 ? 2 : 1
  return {
    what: `NCCL's own buffers, ${communicators} ${communicators === 1 ? 'communicator' : 'communicators'}`,
    low_bytes: communicators * 544 * MIB,
    high_bytes: communicators * 1600 * MIB,
    basis:
      'published for one communicator within a node of A100 (NVIDIA/nccl issues 964 and 864); it depends on channels and links',
  }
}

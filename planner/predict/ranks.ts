import type { ModelSpec } from '../../models/spec.ts'
import type { Ranks } from '../result/estimate.ts'
import { strategyName } from '../training/parallel.ts'
import type { DataParallel, Parallelism } from '../training/parallelism.ts'
import type { TrainSpec } from '../training/spec.ts'
import { peakOf } from './peak.ts'
import type { Stack } from './stack.ts'

const MIB = 2 ** 20

/** So many ranks are looked at, spread from the first to the last. */
const MOST_RANKS = 64

/** The rank that holds most of a training over several devices, as a setting of its own, and who holds least; as it is for one device. */
export function worstRank(
  model: ModelSpec,
  train: TrainSpec,
  stack: Stack,
): { readonly train: TrainSpec; readonly ranks?: Ranks } {
  const { parallelism } = train
  if (!parallelism) return { train }
  const { gpus, data } = parallelism
  const at = (rank: number): TrainSpec => ({ ...train, parallelism: { ...parallelism, rank } })
  const seen = ranksToSee(parallelism)
  const peaks = seen.map((rank) => ({ rank, peak_bytes: peakOf(model, at(rank), stack).bytes }))
  const worst = peaks.reduce((a, b) => (b.peak_bytes > a.peak_bytes ? b : a))
  const least = peaks.reduce((a, b) => (b.peak_bytes <= a.peak_bytes ? b : a))
  return {
    train: at(worst.rank),
    ranks: {
      gpus,
      strategy: strategyOf(data),
      worst: worst.rank,
      least,
      ...(data.kind === 'zero' && seen.length < gpus ? { looked_at: seen.length } : {}),
      not_counted: [nccl(data)],
    },
  }
}

/**
 * FSDP cuts shards from the front, so that no rank holds more than the first of its replica, nor less than the last. ZeRO's parts are
 * equal, and which rank owns pieces of more parameters depends on where parts begin.
 */
function ranksToSee({ gpus, data }: Parallelism): number[] {
  if (data.kind !== 'zero') return [0, gpus - 1]
  const count = Math.min(gpus, MOST_RANKS)
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (gpus - 1)) / (count - 1))))
}

function strategyOf(data: DataParallel): string {
  if (data.kind === 'zero') return `zero_${data.stage}`
  return data.kind === 'fsdp' ? strategyName(data) : data.kind
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

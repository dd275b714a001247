import type { ModelSpec } from '../../models/spec.ts'
import type { Ranks } from '../result/estimate.ts'
import { layersOf } from '../shard/pipeline/stage.ts'
import { strategyName } from '../training/parallel.ts'
import { type Parallelism, seenBy } from '../training/parallelism.ts'
import type { TrainSpec } from '../training/spec.ts'
import { peakOf } from './peak.ts'
import type { Stack } from './stack.ts'

const MIB = 2 ** 20

/** So many ranks are looked at, spread from the first to the last. */
const MOST_RANKS = 64

interface RankPeak {
  readonly rank: number
  readonly peak_bytes: number
}

/** The rank that holds most of a training over several devices, as a setting of its own, and who holds least; as it is for one device. */
export function worstRank(
  model: ModelSpec,
  train: TrainSpec,
  stack: Stack,
): { readonly train: TrainSpec; readonly ranks?: Ranks } {
  const { parallelism } = train
  if (!parallelism) return { train }
  const { gpus } = parallelism
  const at = (rank: number): TrainSpec => ({ ...train, parallelism: seenBy(rank, parallelism) })
  const seen = ranksToSee(parallelism)
  const peaks = seen.map((rank): RankPeak => ({ rank, peak_bytes: peakOf(model, at(rank), stack).bytes }))
  const worst = peaks.reduce((a, b) => (b.peak_bytes > a.peak_bytes ? b : a))
  const least = peaks.reduce((a, b) => (b.peak_bytes <= a.peak_bytes ? b : a))
  const stages = stagesOf(model, parallelism, peaks)
  return {
    train: at(worst.rank),
    ranks: {
      gpus,
      strategy: strategyOf(parallelism),
      worst: worst.rank,
      least,
      ...(stages ? { stages } : {}),
      ...(areUnlike(parallelism) && seen.length < gpus ? { looked_at: seen.length } : {}),
      not_counted: [nccl(parallelism)],
    },
  }
}

/** Whether no order among the ranks says who holds most. */
const areUnlike = ({ data, pipeline }: Parallelism): boolean => data.kind === 'zero' || pipeline !== undefined

/**
 * FSDP cuts shards from the front, so that no rank holds more than the first of its replica, nor less than the last; pieces of layers are
 * equal. ZeRO's parts are equal, and which rank owns pieces of more parameters depends on where parts begin. Stages of a pipeline
 * differ in all: modules, layers, and how many micro-batches are under way.
 */
function ranksToSee(parallelism: Parallelism): number[] {
  const { gpus } = parallelism
  if (!areUnlike(parallelism)) return [0, gpus - 1]
  const count = Math.min(gpus, MOST_RANKS)
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (gpus - 1)) / (count - 1))))
}

function stagesOf(model: ModelSpec, parallelism: Parallelism, peaks: readonly RankPeak[]): Ranks['stages'] {
  if (!parallelism.pipeline || !('layers' in model)) return undefined
  return peaks.map(({ rank, peak_bytes }) => {
    const { stages, stage } = seenBy(rank, parallelism).pipeline!
    const [from, to] = layersOf(model.layers, stages, stage)
    return { stage, rank, layers: to - from, peak_bytes }
  })
}

function strategyOf({ data, tensor, pipeline }: Parallelism): string {
  switch (data.kind) {
    case 'alone':
      return [...(tensor ? [`tp_${tensor}`] : []), ...(pipeline ? [`pp_${pipeline.stages} (1f1b)`] : [])].join(' ')
    case 'zero':
      return `zero_${data.stage}`
    case 'fsdp':
      return strategyName(data)
    case 'ddp':
      return data.kind
  }
}

/** A hybrid has a communicator within the node and one between nodes. */
function nccl({ data, pipeline }: Parallelism): Ranks['not_counted'][number] {
  if (pipeline)
    return {
      what: "NCCL's own buffers between neighbouring stages",
      low_bytes: null,
      high_bytes: null,
      basis: 'published figures are of collectives, and stages send and receive',
    }
  const communicators = data.kind === 'fsdp' && data.replicas > 1 ? 2 : 1
  return {
    what: `NCCL's own buffers, ${communicators} ${communicators === 1 ? 'communicator' : 'communicators'}`,
    low_bytes: communicators * 544 * MIB,
    high_bytes: communicators * 1600 * MIB,
    basis:
      'published for one communicator within a node of A100 (NVIDIA/nccl issues 964 and 864); it depends on channels and links',
  }
}

import type { EstimateBody } from '../../planner/result/estimate.ts'
import { formatBytes } from '../../planner/trace/bytes.ts'
import { listWords } from '../words.ts'

export type Ranks = NonNullable<EstimateBody['ranks']>

/** `rank 0`, of a pipeline `stage 0`. */
export const rankName = ({ stages }: Ranks, rank: number): string => `${stages ? 'stage' : 'rank'} ${rank}`

/** Whose figures those of methods on several devices are; none for one device. */
export function rankSentences(
  methods: readonly {
    readonly name: string
    readonly ranks: Ranks | null
    readonly peak: { readonly bytes: number }
  }[],
): string[] {
  const shared = methods.flatMap(({ name, ranks, peak }) => (ranks ? [{ name, ranks, peak }] : []))
  const [first] = shared
  if (!first) return []
  const { gpus, strategy, worst } = first.ranks
  const isOne = shared.every((m) => m.ranks.worst === worst)
  const whose = isOne
    ? rankName(first.ranks, worst)
    : listWords(shared.map((m) => `${m.name}: ${rankName(m.ranks, m.ranks.worst)}`))
  const less = first.peak.bytes - first.ranks.least.peak_bytes
  const others =
    shared.length > 1
      ? ''
      : less === 0
        ? '; all are alike'
        : `; ${rankName(first.ranks, first.ranks.least.rank)} holds ${formatBytes(less)} less`
  return [
    `Of ${gpus} devices (${strategy}) the figures are those of the one that holds most, ${whose}${others}.`,
    ...(shared.length === 1 ? stageSentence(first.ranks) : []),
  ]
}

function stageSentence({ stages }: Ranks): string[] {
  if (!stages) return []
  const each = stages.map((s) => `${s.stage} with ${s.layers} layers ${formatBytes(s.peak_bytes)}`)
  return [`Peaks by stage: ${each.join(', ')}.`]
}

/** What takes memory of a device and is in no tier. */
export const notCounted = ({ not_counted }: Ranks): string[] =>
  not_counted.map(({ what, low_bytes: low, high_bytes: high, basis }) => {
    const size = low === null || high === null ? 'unknown' : `${formatBytes(low)} to ${formatBytes(high)}`
    return `not counted: ${what}: ${size}, ${basis}`
  })

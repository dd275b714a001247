import type { TimelinePoint } from '../../planner/result/estimate.ts'

/** All bytes alive at a point of the timeline. */
export function pointBytes(point: TimelinePoint): number {
  let sum = 0
  for (const bytes of Object.values(point[2])) sum += bytes ?? 0
  return sum
}

/**
 * Fewer points with the same outline: every bucket keeps its highest and its lowest instant; each phase keeps its first and
 * last, and the peak is always among them. A timeline that is short enough comes back as it is.
 */
export function thin(timeline: readonly TimelinePoint[], buckets: number): readonly TimelinePoint[] {
  if (timeline.length <= 2 * buckets) return timeline
  const bytes = timeline.map(pointBytes)
  const keep = new Set<number>([0, timeline.length - 1])
  for (let b = 0; b < buckets; b++) {
    const from = Math.floor((b * timeline.length) / buckets)
    const to = Math.floor(((b + 1) * timeline.length) / buckets)
    let [high, low] = [from, from]
    for (let i = from; i < to; i++) {
      if (bytes[i]! > bytes[high]!) high = i
      if (bytes[i]! < bytes[low]!) low = i
    }
    keep.add(high).add(low)
  }
  for (let i = 1; i < timeline.length; i++) if (timeline[i]![1] !== timeline[i - 1]![1]) keep.add(i - 1).add(i)
  return [...keep].sort((a, b) => a - b).map((i) => timeline[i]!)
}

import type { EstimateBody, TimelinePoint } from '../../planner/result/estimate.ts'
import type { Phase } from '../../planner/trace/event.ts'
import { byGroup, type Group } from '../palette.ts'
import { instantWords } from '../words.ts'
import { pointBytes, thin } from './thin.ts'

export interface Instant {
  /** Events since the step began: a prediction has no clock. */
  readonly x: number
  readonly bytes: number
  readonly parts: Readonly<Record<Group, number>>
}
export interface PhaseSpan {
  readonly phase: Phase
  readonly from: number
  readonly to: number
}
export interface TimelineView {
  /** Number of the step's first event in its trace. */
  readonly start: number
  readonly points: readonly Instant[]
  readonly phases: readonly PhaseSpan[]
  readonly peak: { readonly x: number; readonly bytes: number; readonly at: string } | null
  readonly end: number
}

/** Instants kept of a timeline: two a bucket, which is finer than a screen shows them. */
export const BUCKETS = 180

/** Live bytes through the steady step, thinned for drawing. */
export function timelineView(e: Pick<EstimateBody, 'timeline' | 'peak'>): TimelineView {
  return instants(e.timeline, instantWords(e.peak.phase, e.peak.op))
}

/** A timeline with its highest instant named `at`. */
export function instants(timeline: readonly TimelinePoint[], at: string): TimelineView {
  const start = timeline[0]?.[0] ?? 0
  const points = thin(timeline, BUCKETS).map((p) => ({ x: p[0] - start, bytes: pointBytes(p), parts: byGroup(p[2]) }))
  const top = points.reduce<Instant | null>((best, p) => (best === null || p.bytes > best.bytes ? p : best), null)
  return {
    start,
    points,
    phases: spans(timeline, start),
    peak: top && { x: top.x, bytes: top.bytes, at },
    end: points.at(-1)?.x ?? 0,
  }
}

function spans(timeline: readonly TimelinePoint[], start: number): PhaseSpan[] {
  const found: { phase: Phase; from: number; to: number }[] = []
  for (const [seq, phase] of timeline) {
    const last = found.at(-1)
    if (last?.phase === phase) last.to = seq - start
    else found.push({ phase, from: seq - start, to: seq - start })
  }
  return found
}

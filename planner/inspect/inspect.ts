import type { EstimateBody } from '../result/estimate.ts'
import type {
  InspectAllocator,
  InspectBody,
  InspectFinding,
  MeasuredSource,
  UnexplainedFinding,
} from '../result/inspect.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { Live } from '../trace/reading.ts'
import { foldScope } from '../trace/scope.ts'
import { type Census, censusOf, type MeasuredPeak, measuredPeak, predictedCensus } from './census.ts'
import { explain, type Plan, WORTH } from './explain.ts'
import { leaksIn } from './leak.ts'
import { compareTotals, type Total } from './totals.ts'
import { workspacesIn } from './workspaces.ts'

/** A run of which every allocation is known. */
export interface MeasuredRun {
  readonly events: readonly TraceEvent[]
  /** Whether the phases of the events are known. */
  readonly phased: boolean
  /** The stack that asked for a storage, innermost first, as text. */
  readonly framesOf: (storage: number) => readonly string[]
  /** Bytes of the block that a storage was given; null where the runtime's allocator gives none. */
  readonly blockOf: ((storage: number, bytes: number) => number) | null
  /** Bytes that the allocator held at the most; null where that is not known. */
  readonly reserved: number | null
  /** The run's own requests on the replayed allocator; null where they are not known. */
  readonly allocator: InspectAllocator | null
}

/** Lines of blocks and of what stays unexplained. */
const MOST_BLOCKS = 60
const MOST_UNEXPLAINED = 12

/** Lines a run up with its plan: tier by tier, size by size, and which option, leak or tensor makes the difference. */
export function inspectRun(source: MeasuredSource, run: MeasuredRun, plan: Plan): InspectBody {
  const peak = measuredPeak(run.events)
  const predicted = predictedCensus(plan.body)
  const workspaces = workspacesIn(censusOf(peak.alive.map((s) => s.bytes)), predicted)
  const leaks = leaksIn(run.events, run.framesOf)
  const leaked = new Set(leaks.flatMap((l) => [...l.storages]))
  const aside = new Map(workspaces.map((w) => [w.bytes, w.count]))
  const tensors = peak.alive.filter((s) => !takeOne(aside, s.bytes))
  const measured = censusOf(tensors.filter((s) => !leaked.has(s.id)).map((s) => s.bytes))
  const explanation = explain(plan, measured)
  const differing = [
    ...leaks.map(({ finding: f }) => ({ bytes: f.bytes, name: `leak: ${placeOf({ scope: f.scope, op: f.at })}` })),
    ...(explanation?.finding.terms ?? []).map((t) => ({ bytes: t.bytes, name: t.name || placeOf(t) })),
  ]
  const tiers = compareTotals(roundedBody(plan), totalsOf(run, peak, tensors))
  const findings: InspectFinding[] = [
    ...leaks.map((l) => l.finding),
    ...(explanation ? [explanation.finding] : []),
    ...unexplained(tensors, leaked, measured, explanation?.body ?? plan.body),
  ]
  return {
    source,
    within: leaks.length === 0 && tiers.every((t) => t.verdict !== 'outside'),
    tiers,
    peak: { measured: instantOf(peak, run.phased), predicted: predictedInstant(plan.body) },
    blocks: blocksOf(tensors, plan.body, differing),
    workspaces,
    findings,
    allocator: run.allocator,
  }
}

/** Lines totals up with their plan: nothing else is known of the run. */
export function inspectTotals(source: MeasuredSource, totals: readonly Total[], plan: Pick<Plan, 'body'>): InspectBody {
  const tiers = compareTotals(plan.body, totals)
  return {
    source,
    within: tiers.every((t) => t.verdict !== 'outside'),
    tiers,
    peak: { measured: null, predicted: predictedInstant(plan.body) },
    blocks: [],
    workspaces: [],
    findings: [],
    allocator: null,
  }
}

/**
 * The plan with allocated bytes as a history shows them: requests rounded up. What a block was larger than that, since too little
 * would have been left of it, no entry tells.
 */
function roundedBody({ train, body, predict }: Plan): EstimateBody {
  const { allocated } = predict(train).tiers
  return { ...body, tiers: { ...body.tiers, allocated } }
}

function takeOne(counts: Map<number, number>, size: number): boolean {
  const count = counts.get(size) ?? 0
  if (count > 0) counts.set(size, count - 1)
  return count > 0
}

function totalsOf({ blockOf, reserved }: MeasuredRun, peak: MeasuredPeak, tensors: readonly Live[]): Total[] {
  const live = tensors.reduce((n, s) => n + s.bytes, 0)
  return [
    { tier: 'live', bytes: live, basis: 'measured: requested sizes, workspaces of libraries left out' },
    ...(blockOf
      ? [
          {
            tier: 'allocated' as const,
            bytes: peak.alive.reduce((n, s) => n + blockOf(s.id, s.bytes), 0),
            basis: 'measured: blocks at the highest instant, those already released as rounded to 512 bytes',
          },
        ]
      : []),
    ...(reserved === null ? [] : [{ tier: 'reserved' as const, bytes: reserved, basis: 'measured: all segments' }]),
  ]
}

const instantOf = (
  { bytes, event, phase, scope, op }: MeasuredPeak,
  phased: boolean,
): InspectBody['peak']['measured'] => ({
  bytes,
  event,
  phase: phased ? phase : '',
  scope,
  at: op,
})

const predictedInstant = ({ peak }: EstimateBody): InspectBody['peak']['predicted'] => ({
  bytes: peak.bytes,
  phase: peak.phase,
  scope: peak.scope,
  op: peak.op,
})

/** `model.layers.*.mlp · silu`: where a storage was asked for. */
const placeOf = ({ scope, op }: { readonly scope: string; readonly op: string }): string =>
  [foldScope(scope), op].filter((part) => part !== '').join(' · ')

function blocksOf(tensors: readonly Live[], body: EstimateBody, differing: readonly Named[]): InspectBody['blocks'] {
  const predicted = predictedCensus(body)
  const measured = censusOf(tensors.map((s) => s.bytes))
  const names = namesBySize(tensors, body, differing)
  const sizes = [...new Set([...measured.keys(), ...predicted.keys()])]
  const rows = sizes.map((bytes) => ({
    bytes,
    measured: measured.get(bytes) ?? 0,
    predicted: predicted.get(bytes) ?? 0,
    names: names(bytes),
  }))
  const off = (r: (typeof rows)[number]): number => Math.abs(r.measured - r.predicted) * r.bytes
  return rows.sort((a, b) => off(b) - off(a) || b.bytes * b.measured - a.bytes * a.measured).slice(0, MOST_BLOCKS)
}

const MOST_NAMES = 4

/** What a size is known to be. */
interface Named {
  readonly bytes: number
  readonly name: string
}

/** What has a size: what makes the difference, then the plan's words for it, else the run's. */
function namesBySize(
  tensors: readonly Live[],
  body: EstimateBody,
  differing: readonly Named[],
): (bytes: number) => string[] {
  const found = new Map<number, Map<string, number>>()
  const add = (bytes: number, name: string, count: number): void => {
    const names = found.get(bytes) ?? new Map<string, number>()
    found.set(bytes, names)
    names.set(name, (names.get(name) ?? 0) + count)
  }
  for (const { bytes, name } of differing) add(bytes, name, Number.POSITIVE_INFINITY)
  for (const a of body.peak.alive) add(a.bytes / a.count, placeOf(a), a.count)
  for (const s of tensors) if (!found.has(s.bytes)) add(s.bytes, placeOf(s) || 'no stack was recorded', 0)
  return (bytes) =>
    [...(found.get(bytes) ?? [])]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST_NAMES)
      .map(([name]) => name)
}

/** Sizes of which the run has another number than the nearest plan, largest first. */
function unexplained(
  tensors: readonly Live[],
  leaked: ReadonlySet<number>,
  measured: Census,
  body: EstimateBody,
): UnexplainedFinding[] {
  const predicted = predictedCensus(body)
  const worth = WORTH * body.peak.bytes
  return [...new Set([...measured.keys(), ...predicted.keys()])]
    .map((bytes) => ({ bytes, count: (measured.get(bytes) ?? 0) - (predicted.get(bytes) ?? 0) }))
    .filter(({ bytes, count }) => bytes * Math.abs(count) >= worth && count !== 0)
    .sort((a, b) => b.bytes * Math.abs(b.count) - a.bytes * Math.abs(a.count))
    .slice(0, MOST_UNEXPLAINED)
    .map(({ bytes, count }) => {
      const there = count > 0 ? tensors.filter((s) => s.bytes === bytes && !leaked.has(s.id)) : []
      const planned = body.peak.alive.filter((a) => a.bytes / a.count === bytes)
      const at = new Set((count > 0 ? there : planned).map(placeOf).filter((p) => p !== ''))
      return { kind: 'unexplained', bytes, count, at: [...at].slice(0, MOST_NAMES) }
    })
}

import type { Alive, EstimateBody, SavedTensor } from '../../planner/result/estimate.ts'
import { PHASES, type Phase } from '../../planner/trace/event.ts'
import { byGroup, GROUPS, type Group, groupOf } from '../palette.ts'
import { instantWords, methodName, opWords, placeWords } from '../words.ts'
import { type ModuleNode, moduleTree } from './modules.ts'
import type { Ranks } from './ranks.ts'
import { type TimelineView, timelineView } from './timeline.ts'

export type Fit = NonNullable<EstimateBody['fit']>

export interface Part {
  readonly group: Group
  readonly bytes: number
}
export interface PhaseRow {
  readonly phase: Phase
  readonly peak: number
  /** The operation; `scope` is its module, empty for the loss. */
  readonly at: string
  readonly scope: string
  readonly end: number
}
export interface SavedRow {
  readonly scope: string
  readonly op: string
  readonly shape: string
  readonly monomial: string
  readonly dtype: string
  readonly bytes: number
  readonly count: number
  readonly total: number
  readonly why: string
}
export interface AliveRow {
  readonly scope: string
  readonly op: string
  readonly group: Group
  readonly category: string
  readonly monomial: string
  readonly count: number
  readonly total: number
  readonly why: string
}

/** One method on one stack: every figure simulated, live bytes unless its name says another tier. */
export interface MethodView {
  /** Unique in the document; ids of elements are made of it. */
  readonly id: string
  readonly name: string
  readonly peak: {
    readonly bytes: number
    readonly at: string
    readonly place: string
    readonly parts: readonly Part[]
  }
  readonly saved: number
  readonly parameters: EstimateBody['parameters']
  readonly steady: readonly PhaseRow[]
  readonly first: readonly PhaseRow[]
  readonly alive: readonly AliveRow[]
  readonly savedRows: readonly SavedRow[]
  readonly law: EstimateBody['law']
  readonly timeline: TimelineView
  /** What lives at the peak, by module. */
  readonly modules: ModuleNode
  readonly tiers: EstimateBody['tiers']
  readonly fit: Fit | null
  /** Whose figures they are, on several devices. */
  readonly ranks: Ranks | null
}

export function methodView(m: { readonly method: string; readonly estimate: EstimateBody }, id: string): MethodView {
  const { estimate: e } = m
  const parts = byGroup(e.peak.parts)
  return {
    id,
    name: methodName(m.method),
    peak: {
      bytes: e.peak.bytes,
      at: instantWords(e.peak.phase, e.peak.op),
      place: placeWords(e.peak.phase, e.peak.scope, e.peak.op),
      parts: GROUPS.map((group) => ({ group, bytes: parts[group] })),
    },
    saved: e.saved_bytes,
    parameters: e.parameters,
    steady: phaseRows(e.step),
    first: phaseRows(e.first_step),
    alive: aliveRows(e.peak.alive),
    savedRows: e.saved.map(savedRow).sort((a, b) => b.total - a.total),
    law: e.law,
    timeline: timelineView(e),
    modules: moduleTree(e.peak.alive, methodName(m.method)),
    tiers: e.tiers,
    fit: e.fit,
    ranks: e.ranks ?? null,
  }
}

const phaseRows = (step: EstimateBody['step']): PhaseRow[] =>
  PHASES.map((phase) => {
    const { peak_bytes: peak, end_bytes: end, peak_at: at } = step[phase]
    return { phase, peak, at: opWords(phase, at.op), scope: at.op === 'start' ? '' : at.scope, end }
  })

const savedRow = (s: SavedTensor): SavedRow => ({
  scope: s.scope,
  op: s.op,
  shape: s.storage_shape.join(' × ') || '1',
  monomial: s.monomial,
  dtype: s.dtype,
  bytes: s.bytes,
  count: s.count,
  total: s.bytes * s.count,
  why: whyWords(s.why),
})

export const aliveRows = (alive: readonly Alive[]): AliveRow[] => alive.map(aliveRow).sort((a, b) => b.total - a.total)

/** `bytes` of a line of what is alive is the total of its storages already. */
const aliveRow = (a: Alive): AliveRow => ({
  scope: a.scope,
  op: a.op,
  group: groupOf(a.category),
  category: a.category,
  monomial: a.monomial,
  count: a.count,
  total: a.bytes,
  why: whyWords(a.why),
})

/** `dW of linear; d self of mul` */
export const whyWords = (why: SavedTensor['why']): string => why.map((w) => `${w.gradient} of ${w.op}`).join('; ')

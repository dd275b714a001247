import type { EstimateBody } from '../result/estimate.ts'
import type { InspectTerm, SettingFinding } from '../result/inspect.ts'
import { Refusal } from '../trace/errors.ts'
import { Refusals } from '../training/refusals.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Census, distance, predictedCensus } from './census.ts'
import { type Lever, leversOf, scaledLevers } from './levers.ts'

/** A plan, and how it would be predicted with other options. */
export interface Plan {
  readonly train: TrainSpec
  readonly body: EstimateBody
  /** Throws `Refusal` or `Refusals` for what is not modelled. */
  readonly predict: (train: TrainSpec) => EstimateBody
}

export interface Explanation {
  readonly finding: SettingFinding
  /** The prediction with the options that the run has. */
  readonly body: EstimateBody
}

/** Storages that together are less than this share of the peak prove nothing, and are not worth a line. */
export const WORTH = 0.001
/** An option must account for so much of what differs. */
const SHARE = 0.5
const MOST_OPTIONS = 3

/**
 * The options under which the plan would have the storages that the run has: of all that differ by one option the nearest, as long as
 * each takes away at least half of what is left. Null where none does.
 */
export function explain(plan: Plan, measured: Census): Explanation | null {
  const before = distance(measured, predictedCensus(plan.body))
  const changes: Lever[] = []
  let now = { train: plan.train, body: plan.body, left: before }
  while (changes.length < MOST_OPTIONS && now.left >= WORTH * plan.body.peak.bytes) {
    const next = nearest(plan, now, measured)
    if (next === null || next.left > now.left * SHARE) break
    changes.push(next.lever)
    now = { train: next.lever.train, body: next.body, left: next.left }
  }
  if (changes.length === 0) return null
  return {
    body: now.body,
    finding: {
      kind: 'setting',
      changes: changes.map(({ lever, says }) => ({ lever, says })),
      terms: termsBetween(plan.body, now.body),
      difference_bytes: before,
      left_bytes: now.left,
    },
  }
}

interface Tried {
  readonly lever: Lever
  readonly body: EstimateBody
  readonly left: number
}

function nearest(plan: Plan, from: { train: TrainSpec; body: EstimateBody }, measured: Census): Tried | null {
  const predicted = predictedCensus(from.body)
  let best: Tried | null = null
  for (const lever of [...leversOf(from.train), ...scaledLevers(from.train, from.body, measured, predicted)]) {
    const body = predictedOrNull(plan, lever.train)
    if (body === null) continue
    const left = distance(measured, predictedCensus(body))
    if (best === null || left < best.left) best = { lever, body, left }
  }
  return best
}

/** What the model or the stack does not have in this option is no explanation. */
function predictedOrNull(plan: Plan, train: TrainSpec): EstimateBody | null {
  try {
    return plan.predict(train)
  } catch (e) {
    if (e instanceof Refusal || e instanceof Refusals) return null
    throw e
  }
}

/** Lines of one prediction's peak that the other lacks, by place and size; what weighs most first. */
export function termsBetween(before: EstimateBody, after: EstimateBody): InspectTerm[] {
  type Alive = EstimateBody['peak']['alive'][number]
  const key = (a: Alive): string => [a.scope, a.op, a.category, a.bytes / a.count].join('|')
  const rows = new Map<string, { row: Alive; count: number }>()
  const add = (row: Alive, sign: 1 | -1): void => {
    const known = rows.get(key(row))
    if (known) known.count += sign * row.count
    else rows.set(key(row), { row, count: sign * row.count })
  }
  for (const row of after.peak.alive) add(row, 1)
  for (const row of before.peak.alive) add(row, -1)
  return [...rows.values()]
    .filter(({ count }) => count !== 0)
    .map(({ row, count }) => ({
      scope: row.scope,
      op: row.op,
      category: row.category,
      monomial: row.monomial,
      bytes: row.bytes / row.count,
      count,
      name: inputName(row),
    }))
    .sort((a, b) => Math.abs(b.bytes * b.count) - Math.abs(a.bytes * a.count))
}

/** The input of a linear that is kept for its weight's gradient: `X of q_proj`. */
function inputName({ scope, why }: EstimateBody['peak']['alive'][number]): string {
  if (!why.some((w) => w.gradient === 'dW')) return ''
  const module = scope
    .replace(/\.lora_A\.default$/, '')
    .split('.')
    .at(-1)
  return module && scope.endsWith('.lora_A.default') ? `X of ${module}` : ''
}

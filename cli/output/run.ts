import type { Executed, StepChecks, TierRow } from '../../planner/result/run.ts'
import type { Page } from './estimate.ts'
import { type HeaderFacts, headerParts } from './header.ts'
import { methodName } from './names.ts'
import { table } from './table.ts'
import { wrap, wrapParts } from './wrap.ts'

const CHECKS: Readonly<Record<Exclude<keyof StepChecks, 'losses'>, string>> = {
  loss_falls: 'loss falls',
  frozen_unchanged: 'frozen weights unchanged',
  trainable_changed: 'trained weights changed',
  events_equal: 'every event as predicted',
  audit_clean: 'nothing held past its last use',
}

/** A run for people: whether it is as predicted, then tier by tier, then what proves the step. */
export function runText(executed: Executed, about: HeaderFacts, page: Page): string {
  const { paint, width, bytes } = page
  const { tiers, seconds_per_step } = executed.measured
  const off = tiers.filter((t) => t.verdict === 'differs')
  const compared = tiers.filter((t) => t.verdict !== 'unattributed').length
  const answer =
    off.length === 0
      ? paint.green(`✓ ${compared} of ${compared} figures equal the prediction to the byte`)
      : paint.red(`✗ ${off.length} of ${compared} figures differ from the prediction`)
  const parts = headerParts(about)
  parts.splice(1, 0, methodName(executed.training.method))
  const rows = tiers
    .filter((t) => t.witness === undefined || t.verdict !== 'equal')
    .map((t) => [
      t.tier,
      t.witness === undefined ? t.phase : `${t.phase}, ${t.witness}`,
      t.predicted_bytes === null ? '' : bytes(t.predicted_bytes),
      bytes(t.measured_bytes),
      verdict(t.verdict, t.measured_bytes - (t.predicted_bytes ?? 0), page),
    ])
  const columns = [
    { head: 'tier', align: 'left' },
    { head: 'at', align: 'left' },
    { head: 'predicted', align: 'right' },
    { head: 'measured', align: 'right' },
    { head: '', align: 'left' },
  ] as const
  return [
    wrapParts(parts, width, '  '),
    '',
    wrap(answer, width, '  '),
    '',
    table(columns, rows, width),
    '',
    ...witnesses(tiers, page),
    wrap(`checked: ${checks(executed.checks, page)}`, width, '  '),
    wrap(`losses: ${executed.checks.losses.map((l) => l.toFixed(4)).join(' → ')}`, width, '  '),
    wrap(`seconds a step: ${seconds_per_step.map((s) => s.toFixed(2)).join(', ')}`, width, '  '),
    ...Object.entries(executed.environment).map(([what, value]) => wrap(`${what}: ${value}`, width, '  ')),
    ...notExercised(executed, page),
  ].join('\n')
}

/** Witnesses of the framework count the same figures again: a line each, their differences stand in the table. */
function witnesses(tiers: readonly TierRow[], { paint, width }: Page): string[] {
  const names = [...new Set(tiers.flatMap((t) => t.witness ?? []))]
  return names.map((name) => {
    const own = tiers.filter((t) => t.witness === name && t.verdict !== 'unattributed')
    const equal = own.filter((t) => t.verdict === 'equal').length
    const mark = equal === own.length ? paint.green('✓') : paint.red('✗')
    return wrap(`framework's ${name}: ${equal} of ${own.length} figures equal the prediction ${mark}`, width, '  ')
  })
}

/** What the real stack has and this run does not show: nobody should take the one for the other. */
export function notExercised({ not_exercised }: Executed, { width }: Page): string[] {
  return not_exercised.map((what) => wrap(`not exercised: ${what}`, width, '  '))
}

function verdict(kind: string, difference: number, { paint }: Page): string {
  if (kind === 'equal') return paint.green('✓')
  if (kind === 'unattributed') return paint.dim('unattributed')
  return paint.red(`✗ ${difference > 0 ? '+' : '−'}${Math.abs(difference)} B`)
}

function checks(found: StepChecks, { paint }: Page): string {
  const keys = Object.keys(CHECKS) as (keyof typeof CHECKS)[]
  return keys.map((k) => (found[k] ? `${CHECKS[k]} ${paint.green('✓')}` : paint.red(`NOT: ${CHECKS[k]}`))).join(', ')
}

import type { PlanBody, PlanMaximum, PlanOption, PlanStep } from '../../planner/result/plan.ts'
import type { Page } from './estimate.ts'
import { type HeaderFacts, headerParts } from './header.ts'
import { methodName } from './names.ts'
import { grouped, millions } from './numbers.ts'
import { table } from './table.ts'
import { wrap, wrapParts } from './wrap.ts'

/** What fits, for people: how far each size goes, then the changes that help, fewest first. */
export function planText(body: PlanBody, about: HeaderFacts, page: Page): string {
  const parts = headerParts(about)
  parts.splice(1, 0, methodName(about.setting.method))
  return [
    wrapParts(parts, page.width, '  '),
    '',
    asked(body, page),
    ...maxima(body, page),
    ...options(body, page),
  ].join('\n')
}

function asked({ asked, gpu }: PlanBody, { paint, bytes, width }: Page): string {
  const verdict = asked.fits ? paint.green('fits') : paint.red('does not fit')
  const where = `${gpu.name} (${bytes(gpu.capacity_bytes)}, of which ${bytes(gpu.room_bytes)} for tensors)`
  return wrap(
    `${paint.bold(verdict)} ${where}: ${bytes(asked.peak.allocated_bytes)} allocated at the peak`,
    width,
    '  ',
  )
}

const KNOBS = { batch: 'batch', length: 'length', rank: 'rank' } as const

function maxima({ maxima }: PlanBody, { width, paint }: Page): string[] {
  if (maxima.length === 0) return []
  const row = ({ knob, value, because }: PlanMaximum): string[] => [
    `largest ${KNOBS[knob]}`,
    value === null ? 'none' : grouped(value),
    because,
  ]
  const columns = [
    { head: '', align: 'left' as const },
    { head: '', align: 'right' as const },
    { head: '', align: 'left' as const },
  ]
  return ['', paint.dim('all else as it is'), table(columns, maxima.map(row), width)]
}

function options({ search, gpu }: PlanBody, page: Page): string[] {
  if (search === null) return []
  const { paint, width } = page
  const told = `${grouped(search.searched)} settings, ${grouped(search.possible)} whose blocks leave room`
  if (search.options.length === 0)
    return ['', wrap(`nothing that was searched fits ${gpu.name} (${told})`, width, '  ')]
  const columns = [
    { head: '', align: 'right' as const },
    { head: paint.dim('allocated'), align: 'right' as const },
    { head: paint.dim('time'), align: 'right' as const },
    { head: paint.dim('trains'), align: 'right' as const },
    { head: paint.dim('change, and what it does'), align: 'left' as const },
  ]
  const rows = search.options.flatMap((option, i) => optionRows(option, i + 1, page))
  return [
    '',
    table(columns, rows, width),
    '',
    paint.dim(wrap(`${told}; shown: no other beats them in memory, time and parameters`, width, '  ')),
    paint.dim(wrap(`bytes: simulated. time, by that of the setting asked for: ${search.time_basis}`, width, '  ')),
  ]
}

/** A line a change, the setting's own figures in the first, with the number that --pick takes. */
function optionRows(option: PlanOption, number: number, page: Page): string[][] {
  const figures = [
    page.paint.dim(String(number)),
    page.bytes(option.peak.allocated_bytes),
    `× ${option.relative_time.toFixed(2)}`,
    millions(option.parameters.trainable),
  ]
  if (option.steps.length === 0) return [[...figures, 'as it is']]
  return option.steps.map((step, i) => [...(i === 0 ? figures : figures.map(() => '')), stepText(step, page)])
}

function stepText({ lever, from, to, bytes: change, time }: PlanStep, { bytes }: Page): string {
  const sign = change < 0 ? '−' : '+'
  const percent = Math.round(100 * (time - 1))
  const pace = percent === 0 ? '' : `, ${percent < 0 ? '−' : '+'}${Math.abs(percent)} % time`
  return `${lever} ${from} → ${to}: ${sign}${bytes(Math.abs(change))}${pace}`
}

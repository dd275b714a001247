import { flagOf, METHOD_NAMES, type TrainingOptions } from '../../planner/training/options.ts'
import type { Changes, Control } from '../../reports/whatif.ts'
import type { Method } from '../commands/prepared.ts'
import { type Problem, UsageError } from '../errors.ts'
import { RANGES } from '../settings/ranges.ts'
import type { Setup } from './setup.ts'

/**
 * The setup with what a reader changed. Values come from a page's address and may be anything.
 *
 * @throws UsageError in the words of the command line
 */
export function changedSetup(setup: Setup, controls: readonly Control[], changes: Changes): Setup {
  const problems: Problem[] = []
  let changed = setup
  for (const control of controls) {
    const value = changes[control.key]
    if (value === undefined) continue
    const problem = problemWith(control, value)
    if (problem === null) changed = withValue(changed, control.key, value)
    else problems.push({ where: flagOf(control.key), message: problem, next: 'Correct the value.' })
  }
  if (problems.length > 0) throw new UsageError(problems)
  return changed
}

function problemWith({ key, kind, choices }: Control, value: string): string | null {
  const said = value === '' ? 'is empty' : `is ${JSON.stringify(value)}`
  if (kind === 'number') {
    const [min, max] = Object.entries(RANGES).find(([name]) => name === key)?.[1] ?? [1, 1]
    const number = Number(value)
    const within = /^\d+$/.test(value) && number >= min && number <= max
    return within ? null : `${said}; expected an integer from ${min} to ${max}`
  }
  if (kind === 'text') return value === '' && key !== 'gpu' ? 'needs a value' : null
  const names = kind === 'many' ? listed(value) : [value]
  const known = names.length > 0 && names.every((n) => choices.includes(n)) && new Set(names).size === names.length
  return known ? null : `${said}; expected ${kind === 'many' ? 'one or more of' : 'one of'} ${choices.join(', ')}`
}

function withValue(setup: Setup, key: string, value: string): Setup {
  if (key === 'gpu') return { ...setup, gpu: value === '' ? null : value }
  if (key === 'method' || key === 'methods') return { ...setup, methods: listed(value).flatMap(methodOf) }
  const given = key === 'target_modules' ? listed(value) : key in RANGES ? Number(value) : value
  // what a checkpoint keeps, and in which layers, belongs to the checkpointing that was asked for
  const { checkpoint_every: _, checkpoint_keep: __, ...others } = setup.options
  const isOther = key === 'gradient_checkpointing' && value !== setup.options.gradient_checkpointing
  // checked above against what the option takes
  return { ...setup, options: { ...(isOther ? others : setup.options), [key]: given } as TrainingOptions }
}

const methodOf = (name: string): Method[] => METHOD_NAMES.filter((m) => m === name)

const listed = (value: string): string[] =>
  value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

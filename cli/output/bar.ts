import type { Category } from '../../planner/trace/event.ts'
import { byGroup, GROUPS, type Group, PALETTE } from '../../reports/palette.ts'
import type { Paint } from './colour.ts'

/** What stands for a group where there is no colour. */
const LETTERS: Readonly<Record<Group, string>> = {
  parameter: 'P',
  gradient: 'G',
  'optimizer state': 'O',
  activation: 'A',
  temporary: 'T',
  rest: '·',
}

export type Parts = Readonly<Partial<Record<Category, number | undefined>>>

/** `count` columns in a group's colour, the same as in the report. */
export function blocks(group: Group, count: number, paint: Paint): string {
  return paint.level === 0 ? LETTERS[group].repeat(count) : paint.hex(PALETTE[group].hex)('█'.repeat(count))
}

/** A bar of parts, `width` columns in all; a part that rounds to nothing is left out. */
export function bar(parts: Parts, width: number, paint: Paint): string {
  const groups = byGroup(parts)
  const whole = GROUPS.reduce((sum, g) => sum + groups[g], 0)
  let sum = 0
  let drawn = 0
  let text = ''
  for (const group of GROUPS) {
    sum += groups[group]
    const end = whole === 0 ? 0 : Math.round((width * sum) / whole)
    text += blocks(group, end - drawn, paint)
    drawn = end
  }
  return text
}

/** Groups that have bytes, largest first, with the name that people read. */
export function partsOf(parts: Parts): { group: Group; label: string; bytes: number }[] {
  const groups = byGroup(parts)
  return GROUPS.map((group) => ({ group, label: PALETTE[group].label, bytes: groups[group] }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
}

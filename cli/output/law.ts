import type { LawBranches } from '../../planner/result/estimate.ts'
import type { Page } from './estimate.ts'
import { instant } from './names.ts'
import { grouped } from './numbers.ts'
import { wrap } from './wrap.ts'

const SUPERSCRIPT = ['⁰', '¹', '²', '³', '⁴'] as const

/** `8·L·h² + 12·V·b·t` of `8*L*h*h + 12*V*b*t`. */
export const written = (expression: string): string =>
  expression
    .replace(/([A-Za-z]\w*)((?:\*\1(?!\w))+)/g, (_, symbol: string, more: string) => {
      const power = more.split('*').length
      return `${symbol}${SUPERSCRIPT[power] ?? `^${power}`}`
    })
    .replaceAll('*', '·')

/** The peak as the largest of its branches: each with where it reigns, what it is, and what a token adds to it. */
export function lawText({ branches, dimensions }: LawBranches, { paint, width, bytes }: Page): string {
  const reigning = branches.filter((b) => b.domain !== null)
  const others = branches.length - reigning.length
  const sizes = Object.entries(dimensions).map(([symbol, size]) => `${symbol} ${grouped(size)}`)
  const lines = reigning.flatMap(({ instant: at, expression, per_token_bytes, domain, bytes: here }) => [
    '',
    wrap(`${paint.bold(domain ?? '')}  ${instant(at.phase, at.scope, at.op)}, ${bytes(here)} here`, width, '  '),
    wrap(`  ${written(expression)}`, width, '    '),
    wrap(`  ${grouped(Math.round(per_token_bytes))} bytes a token in what is linear in t`, width, '    '),
  ])
  return [
    paint.dim(wrap('the peak is the largest of these, as the length t changes and all else stays', width, '  ')),
    ...lines,
    '',
    wrap(`with ${sizes.join(', ')}`, width, '  '),
    ...(others > 0
      ? [wrap(`${others} more that other sizes can make the largest are in --json, as mathjs reads them`, width, '  ')]
      : []),
  ].join('\n')
}

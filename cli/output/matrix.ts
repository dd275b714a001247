import type { Matrix, Recomputation } from '../../planner/result/matrix.ts'
import type { Page } from './estimate.ts'
import { methodName } from './names.ts'
import { plural } from './numbers.ts'
import { table } from './table.ts'
import { wrap } from './wrap.ts'

/** Methods by what they are combined with, what freezing A is worth in each, and what LoRA would have to recompute instead. */
export function matrixText(matrix: Matrix, page: Page): string {
  const { paint, width } = page
  return [
    paint.dim('peak of live bytes, simulated; one thing changed at a time'),
    grid(matrix, page),
    '',
    ...gains(matrix, page),
    ...recomputation(matrix.recomputation, page),
    ...refusals(matrix).map((line) => paint.dim(wrap(line, width, '  '))),
  ].join('\n')
}

function grid({ methods, ways, cells }: Matrix, { paint, width, bytes }: Page): string {
  const columns = [
    { head: '', align: 'left' as const },
    ...methods.map((m) => ({ head: paint.bold(methodName(m)), align: 'right' as const })),
  ]
  const cell = (method: string, way: string): string => {
    const peak = cells.find((c) => c.method === method && c.way === way)?.peak_bytes ?? null
    return peak === null ? '—' : bytes(peak)
  }
  return table(
    columns,
    ways.map((way) => [way, ...methods.map((m) => cell(m, way))]),
    width,
  )
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`

/** Below this share of the peak a method is not worth choosing for its memory. */
const LITTLE = 0.05

function gains({ ways, gains }: Matrix, { width, bytes, paint }: Page): string[] {
  const lines = ways.flatMap((way) => {
    const told = gains
      .filter((g) => g.way === way)
      .map(
        (g) => `${methodName(g.of)} ${bytes(g.bytes)} of ${methodName(g.against)}'s peak (${share(g.bytes, g.from)})`,
      )
    if (told.length === 0) return []
    const little = gains.filter((g) => g.way === way).every((g) => g.bytes / g.from < LITTLE)
    return [wrap(`  ${way}: ${told.join(', ')}${little ? ': little' : ''}`, width, '    ')]
  })
  return [paint.dim('what freezing A saves'), ...lines, '']
}

function recomputation(found: Recomputation | null, { width, bytes, paint }: Page): string[] {
  if (found === null || found.tensors.length === 0) return []
  const count = found.tensors.reduce((n, t) => n + t.count, 0)
  const products = found.tensors.filter((t) => t.product)
  const ops = [...new Set(found.tensors.map((t) => t.op))].join(', ')
  const cost =
    products.length === 0
      ? `none of them a product: each goes over its elements once more (${ops})`
      : `${plural(
          products.reduce((n, t) => n + t.count, 0),
          'tensor',
        )} of them a product, made in full again (${ops})`
  const text = `LoRA keeps as little as LoRA-FA if it makes ${plural(count, 'tensor')} again in its backward, ${bytes(found.bytes)}, ${cost}.`
  return [paint.dim('selective recomputation, a formula over the saved tensors'), wrap(`  ${text}`, width, '  '), '']
}

/** Each reason once, with the cells it is of. */
function refusals({ cells }: Matrix): string[] {
  const reasons = new Map<string, string[]>()
  for (const { refused, method, way } of cells) {
    if (refused !== null) reasons.set(refused, [...(reasons.get(refused) ?? []), `${methodName(method)} · ${way}`])
  }
  return [...reasons].map(([reason, places]) => `—  ${places.join(', ')}: ${reason}`)
}

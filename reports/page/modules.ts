import { formatBytes } from '../../planner/trace/bytes.ts'
import { icicleChart } from '../charts/icicle.ts'
import type { MethodView } from '../view/method.ts'
import type { ModuleNode } from '../view/modules.ts'
import { bytes, cell, code, number, table } from './cells.ts'
import { figure } from './figure.ts'
import { folded } from './folded.ts'
import { html, type Markup } from './markup.ts'

const ROWS = 24

/** The peak of a method by module: an icicle, and its largest modules in numbers. */
export function modulesFigure(m: MethodView): Markup {
  const rows = flat(m.modules).sort((a, b) => b.bytes - a.bytes)
  const largest = rows.slice(0, 4).map((r) => `${r.path} ${formatBytes(r.bytes)}`)
  return html`${figure({
    id: `${m.id}-modules`,
    caption: html`<b>By module</b> a cell is as wide as what lives under it at the peak; grey holds several kinds`,
    label: `The peak of ${m.name} by module: ${largest.join(', ')}`,
    describedBy: `${m.id}-modules-t`,
    chart: (size) => icicleChart(m.modules, size),
  })}
${folded({
  id: `${m.id}-modules-d`,
  summary: 'Modules in numbers',
  aside: `the ${Math.min(ROWS, rows.length)} largest`,
  body: () =>
    table({
      id: `${m.id}-modules-t`,
      fit: true,
      caption: `What lives at the peak of ${m.name}, by module; a module holds those below it`,
      columns: [{ name: 'bytes', numeric: true }, { name: 'module' }],
      rows: html`<tbody>${rows.slice(0, ROWS).map((r) => html`<tr>${number(bytes(r.bytes))}${cell(code(r.path))}</tr>`)}</tbody>`,
    }),
})}`
}

/** Modules with their paths; the kinds of bytes within a module are not among them. */
const flat = (node: ModuleNode, path = ''): { path: string; bytes: number }[] =>
  node.children.flatMap((c) => {
    if (c.children.length === 0 && c.name === c.group) return []
    const own = path === '' ? c.name : `${path}.${c.name}`
    return [{ path: own, bytes: c.bytes }, ...flat(c, own)]
  })

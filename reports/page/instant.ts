import { formatBytes } from '../../planner/trace/bytes.ts'
import { GROUPS, type Group, PALETTE } from '../palette.ts'
import type { AliveRow, MethodView } from '../view/method.ts'
import { bytes, cell, code, number, swatch, table } from './cells.ts'
import { folded } from './folded.ts'
import { html, type Markup } from './markup.ts'

/** An instant of a method's timeline that a reader points at. */
export interface InstantShown {
  readonly what: string
  readonly bytes: number
  readonly parts: Readonly<Record<Group, number>>
  /** Null where only a page with the planner could list it. */
  readonly alive: readonly AliveRow[] | null
}

/** The peak, which is what is shown until a reader points elsewhere. */
export const peakInstant = (m: MethodView): InstantShown => ({
  what: `the peak, ${m.peak.at}`,
  bytes: m.peak.bytes,
  // parts are listed in the groups' order, every group once
  parts: Object.fromEntries(m.peak.parts.map((p) => [p.group, p.bytes])) as Record<Group, number>,
  alive: m.alive,
})

/** What lives at an instant, under its timeline. */
export function instantPanel(m: MethodView, shown: InstantShown = peakInstant(m)): Markup {
  const { what, alive, parts } = shown
  const kinds = GROUPS.filter((g) => parts[g] > 0)
  const words = kinds.map(
    (g, i) =>
      html`${i === 0 ? null : ' · '}<span class="whole">${swatch(g)}${PALETTE[g].label} ${formatBytes(parts[g])}</span>`,
  )
  return folded({
    id: `${m.id}-instant`,
    kind: 'instant',
    summary: html`Alive at ${what}: ${bytes(shown.bytes)}`,
    aside: words,
    body: () => (alive === null ? UNLISTED : aliveTable(m, alive, what)),
  })
}

const UNLISTED = html`<p class="muted">Only the page of a prediction lists what lives away from the peak.</p>`

function aliveTable(m: MethodView, alive: readonly AliveRow[], what: string): Markup {
  const rows = alive.map(
    (a) =>
      html`<tr>${number(bytes(a.total), a.total)}<td>${swatch(a.group)}${a.category}</td>${cell(code(a.scope))}${cell(code(a.op))}${cell(code(a.monomial))}${number(a.count, a.count)}${cell(a.why)}</tr>`,
  )
  return table({
    id: `${m.id}-alive`,
    caption: `Alive under ${m.name} at ${what}: ${alive.length} kinds of tensor`,
    sortable: true,
    tall: rows.length > 14,
    columns: [
      { name: 'together', numeric: true },
      { name: 'what' },
      { name: 'module' },
      { name: 'made by' },
      { name: 'formula of one' },
      { name: 'count', numeric: true },
      { name: 'saved for' },
    ],
    rows: html`<tbody>${rows}</tbody>`,
  })
}

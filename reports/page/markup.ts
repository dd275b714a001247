import type { Chart } from '../charts/chart.ts'
import { compileTemplate, type Slot } from './template.ts'

/** An element of the page, before anybody decides whether it becomes text or DOM. */
export interface Element {
  readonly tag: string
  /** In their order; null leaves an attribute out. */
  readonly attributes: readonly (readonly [name: string, value: string | null])[]
  readonly children: readonly Node[]
}

/** A chart in the page: text holds both of its sizes, a screen the one that fits. */
export interface Drawing {
  readonly id: string
  readonly label: string
  /** Id of the table that holds the chart's numbers. */
  readonly describedBy: string
  readonly chart: (size: Chart['size']) => Chart
}

/** Markup that is made when somebody looks at it. */
export interface Later {
  readonly later: () => Markup
}

/** Strings are text, always: data cannot become markup. */
export type Node = Element | Drawing | Later | string

/** What a template gives: a list of nodes. */
export class Markup {
  readonly nodes: readonly Node[]
  constructor(nodes: readonly Node[]) {
    this.nodes = nodes
  }
}

export type Content = Markup | string | number | null | readonly Content[]

/**
 * A template whose values are text unless they are `Markup`. A value may stand between tags or inside a quoted attribute; an
 * attribute that is a null alone is left out.
 */
export function html(parts: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(compileTemplate(parts).flatMap((slot) => fill(slot, values)))
}

export const drawing = (d: Drawing): Markup => new Markup([d])

export const later = (make: () => Markup): Markup => new Markup([{ later: make }])

export const isDrawing = (node: Exclude<Node, string>): node is Drawing => 'chart' in node

export const isLater = (node: Exclude<Node, string>): node is Later => 'later' in node

function fill(slot: Slot, values: readonly Content[]): readonly Node[] {
  if (typeof slot === 'string') return [slot]
  if (typeof slot === 'number') return nodesOf(values[slot] ?? null)
  const attributes = slot.attributes.map(([name, parts]) => {
    const filled = parts.map((part) => (typeof part === 'number' ? (values[part] ?? null) : part))
    return [name, filled.length === 1 && filled[0] === null ? null : filled.map(plain).join('')] as const
  })
  return [{ tag: slot.tag, attributes, children: slot.children.flatMap((child) => fill(child, values)) }]
}

function nodesOf(value: Content): readonly Node[] {
  if (value === null) return []
  if (value instanceof Markup) return value.nodes
  if (typeof value === 'string' || typeof value === 'number') return [String(value)]
  return value.flatMap(nodesOf)
}

/** An attribute's value is plain text. */
const plain = (value: Content): string => {
  if (value === null) return ''
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new TypeError('markup inside an attribute')
}

import { seen, seenJson } from '../words.ts'
import { type Drawing, isDrawing, isLater, type Markup, type Node } from './markup.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const VOID = new Set(['br', 'wbr', 'input', 'meta', 'col'])
/** Elements that end a line of the source, so that a person can read it. */
const LINES = new Set(['section', 'p', 'tr', 'table', 'thead', 'tbody', 'figure', 'h2', 'h3', 'details', 'dl', 'li'])

/** Markup as HTML; `drawings` are the charts, drawn. */
export const toText = (markup: Markup, drawings: ReadonlyMap<string, string>): string =>
  markup.nodes.map((node) => nodeText(node, drawings)).join('')

function nodeText(node: Node, drawings: ReadonlyMap<string, string>): string {
  if (typeof node === 'string') return escapeHtml(node)
  if (isDrawing(node)) return drawings.get(node.id) ?? ''
  if (isLater(node)) return toText(node.later(), drawings)
  const { tag, attributes, children } = node
  const written = attributes.map(([name, value]) =>
    value === null ? '' : value === '' ? ` ${name}` : ` ${name}="${escapeHtml(value)}"`,
  )
  const open = `<${tag}${written.join('')}>`
  if (VOID.has(tag)) return open
  const inside = children.map((child) => nodeText(child, drawings)).join('')
  return `${open}${inside}</${tag}>${LINES.has(tag) ? '\n' : ''}`
}

/** Every chart in the markup. */
export function drawingsIn(nodes: readonly Node[]): Drawing[] {
  return nodes.flatMap((node) => {
    if (typeof node === 'string') return []
    if (isDrawing(node)) return [node]
    return drawingsIn(isLater(node) ? node.later().nodes : node.children)
  })
}

/** Safe in text and in quoted attributes. */
export const escapeHtml = (text: string): string => seen(text).replace(/[&<>"']/g, (c) => ENTITIES[c]!)

/** JSON that may stand in a script element: nothing in it ends the element or, in old engines, a line. */
export const scriptJson = (value: unknown): string => seenJson(JSON.stringify(value)).replaceAll('<', '\\u003c')

import { type Drawing, isDrawing, isLater, type Element as PageElement, type Node as PageNode } from '../page/markup.ts'

/** What a page does with what it is given to show. */
export interface Show {
  /** Draws a chart into the element that stands for it. */
  readonly draw: (host: HTMLElement, drawing: Drawing) => void
  /** Details were opened and have their content. */
  readonly opened: (details: HTMLDetailsElement) => void
}

/** Content of closed details that is not made yet. */
const waiting = new WeakMap<HTMLDetailsElement, { readonly node: PageElement; readonly show: Show }>()

/**
 * Makes an element's children those of the tree, reusing what is there: what did not change is not touched, so focus, scroll,
 * selection and opened details stay. An element with `data-own` belongs to a script and is left as it is.
 */
export function patch(parent: Element, nodes: readonly PageNode[], show: Show): void {
  let at = nextOf(parent.firstChild)
  for (const node of joined(nodes)) {
    if (typeof node === 'string') {
      if (at?.nodeType === Node.TEXT_NODE) {
        if (at.nodeValue !== node) at.nodeValue = node
        at = nextOf(at.nextSibling)
      } else parent.insertBefore(document.createTextNode(node), at)
      continue
    }
    const element = findFor(parent, at, node) ?? createFor(node)
    if (element === at) at = nextOf(at.nextSibling)
    else parent.insertBefore(element, at)
    if (isDrawing(node)) show.draw(element, node)
    else if (element.dataset.own === undefined) {
      setAttributes(element, node)
      if (element instanceof HTMLDetailsElement && !element.open) patchClosed(element, node, show)
      else patch(element, node.children, show)
    }
  }
  while (at !== null) {
    const next = at.nextSibling
    at.remove()
    at = next
  }
}

/** Of closed details only the summary is made; the rest when a reader, or a search in the page, opens them. */
function patchClosed(details: HTMLDetailsElement, node: PageElement, show: Show): void {
  const [summary] = node.children
  const head = details.querySelector(':scope > summary')
  if (head === null || summary === undefined || typeof summary === 'string' || !('children' in summary)) {
    patch(details, node.children, show)
    return
  }
  patch(head, summary.children, show)
  const isNew = !waiting.has(details)
  waiting.set(details, { node, show })
  if (!isNew) return
  details.addEventListener('toggle', () => {
    const held = waiting.get(details)
    if (!details.open || held === undefined) return
    patch(details, held.node.children, held.show)
    held.show.opened(details)
  })
}

/** Line breaks that only lay out the source are dropped on the way. */
function nextOf(node: ChildNode | null): ChildNode | null {
  let at = node
  while (at?.nodeType === Node.TEXT_NODE && /^\s*\n\s*$/.test(at.nodeValue ?? '')) {
    const next = at.nextSibling
    at.remove()
    at = next
  }
  return at
}

type Made = PageElement | Drawing | string

/** Neighbouring texts are one, as a browser reads them. */
function joined(nodes: readonly PageNode[]): Made[] {
  const result: Made[] = []
  for (const node of nodes.flatMap(made)) {
    const last = result.at(-1)
    if (node === '') continue
    if (typeof node === 'string' && typeof last === 'string') result[result.length - 1] = last + node
    else result.push(node)
  }
  return result
}

const made = (node: PageNode): Made[] =>
  typeof node !== 'string' && isLater(node) ? node.later().nodes.flatMap(made) : [node]

const idOf = (node: PageElement): string => node.attributes.find(([name]) => name === 'id')?.[1] ?? ''

function findFor(parent: Element, at: ChildNode | null, node: PageElement | Drawing): HTMLElement | null {
  const fits = (e: ChildNode | null): e is HTMLElement =>
    e instanceof HTMLElement &&
    (isDrawing(node) ? e.dataset.chart === node.id : e.localName === node.tag && e.id === idOf(node))
  if (fits(at)) return at
  if (!isDrawing(node) && idOf(node) === '') return null
  for (let e = at; e !== null; e = e.nextSibling) if (fits(e)) return e
  return [...parent.children].find((e): e is HTMLElement => fits(e)) ?? null
}

function createFor(node: PageElement | Drawing): HTMLElement {
  const element = document.createElement(isDrawing(node) ? 'div' : node.tag)
  if (isDrawing(node)) {
    element.className = 'chart'
    element.dataset.chart = node.id
  } else for (const [name, value] of node.attributes) if (value !== null) element.setAttribute(name, value)
  return element
}

function setAttributes(element: HTMLElement, { attributes }: PageElement): void {
  for (const [name, value] of attributes) {
    // whether details are open is the reader's once they are there
    if (name === 'open' || element.getAttribute(name) === value) continue
    if (value === null) element.removeAttribute(name)
    else element.setAttribute(name, value)
  }
}

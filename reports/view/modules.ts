import type { Alive } from '../../planner/result/estimate.ts'
import { GROUPS, type Group, groupOf } from '../palette.ts'

/** A module with all that lives under it at an instant, or bytes of one kind within a module. */
export interface ModuleNode {
  readonly name: string
  readonly bytes: number
  /** What all its bytes are, if they are of one kind. */
  readonly group: Group | null
  /** Largest first; their bytes add up to this node's. Empty for a leaf. */
  readonly children: readonly ModuleNode[]
}

interface Open {
  readonly children: Map<string, Open>
  readonly own: Map<Group, number>
}

const open = (): Open => ({ children: new Map(), own: new Map() })

/** What lives at the peak as a tree of modules: the last level says what the bytes are. Outside any module is the loss. */
export function moduleTree(alive: readonly Alive[], name: string): ModuleNode {
  const root = open()
  for (const { scope, category, bytes } of alive) {
    let at = root
    for (const part of partsOf(scope)) {
      const next = at.children.get(part) ?? open()
      at.children.set(part, next)
      at = next
    }
    const group = groupOf(category)
    at.own.set(group, (at.own.get(group) ?? 0) + bytes)
  }
  return closed(name, root)
}

/** `model.layers.*.mlp` → `model`, `layers.*`, `mlp`. */
const partsOf = (scope: string): string[] =>
  scope === '' ? ['loss'] : scope.split(/\.(?!\*)/).map((part) => part.replace('.*', ' *'))

function closed(name: string, node: Open): ModuleNode {
  const { children: inner, own } = node
  const [only] = inner
  // A module that only holds another is no level of its own.
  if (only !== undefined && inner.size === 1 && own.size === 0 && name !== '') {
    const below = closed(only[0], only[1])
    return { ...below, name: `${name}.${below.name}` }
  }
  const modules = [...inner].map(([part, child]) => closed(part, child))
  const kinds = GROUPS.filter((g) => own.has(g)).map((group) => leaf(group, own.get(group)!))
  const children = [...modules, ...kinds].sort((a, b) => b.bytes - a.bytes)
  const bytes = children.reduce((sum, c) => sum + c.bytes, 0)
  const groups = new Set(children.map((c) => c.group))
  const group = groups.size === 1 ? ([...groups][0] ?? null) : null
  const isLeaf = modules.length === 0 && kinds.length === 1
  return { name, bytes, group, children: isLeaf ? [] : children }
}

const leaf = (group: Group, bytes: number): ModuleNode => ({ name: group, bytes, group, children: [] })

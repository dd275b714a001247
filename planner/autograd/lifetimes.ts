import { NOTHING, type Node } from './node.ts'
import type { Runtime } from './runtime.ts'
import { ReleasedTensor, type Variable } from './variable.ts'

/** Who holds a variable or a node, and what goes when the last holder lets go. */
export class Lifetimes<D> {
  readonly #runtime: Runtime<D>

  constructor(runtime: Runtime<D>) {
    this.#runtime = runtime
  }

  /** A name holds the variable. */
  hold(v: Variable<D>): void {
    if (!v.alive)
      throw new ReleasedTensor(`a released tensor was named in ${this.#runtime.position.scope || 'the loss'}`)
    if (v.names++ === 0) this.#runtime.onName(v, true)
  }

  /** A name lets go; the variable goes with its last one. */
  drop(v: Variable<D>): void {
    if (this.unname(v)) this.release(v)
  }

  /** A name lets go of a result that is on its way to the caller: it stays. True where that was the last name. */
  unname(v: Variable<D>): boolean {
    if (--v.names > 0) return false
    this.#runtime.onName(v, false)
    return true
  }

  /** The variable goes, and with it the node that made it if nothing else holds that. */
  release(v: Variable<D>): void {
    v.alive = false
    const { node } = v
    v.node = null
    this.#runtime.release(v)
    if (node) this.forget(node)
  }

  /** A variable without history goes. */
  end(v: Variable<D>): void {
    v.alive = false
    this.#runtime.release(v)
  }

  /** One holder of the node less; at the last one it goes, with what it saved and the nodes only it held. */
  forget(node: Node<D>): void {
    if (--node.holders > 0) return
    const stack = [node]
    for (let n = stack.pop(); n; n = stack.pop()) {
      this.unsave(n)
      for (const v of n.attached) this.letGo(v)
      n.attached = NOTHING
      for (const edge of n.edges) if (edge && 'node' in edge && --edge.node.holders === 0) stack.push(edge.node)
    }
  }

  /** The node lets go of what it saved. */
  unsave(node: Node<D>): void {
    this.letAllGo(node)
    node.checkpoint?.settle(node)
  }

  /** The tensors alone: its places at a checkpoint stay. */
  letAllGo(node: Node<D>): void {
    for (const { variable } of node.saved) this.letGo(variable)
    node.saved = NOTHING
  }

  /** A saved tensor is not needed any more. */
  letGo(variable: Variable<D>): void {
    this.#runtime.onUnsave(variable)
    this.end(variable)
  }
}

import type { OpName } from '../ops/attributes.ts'
import { sameSizes } from '../trace/axes.ts'
import { BackwardCall } from './call.ts'
import type { Hooks } from './hooks.ts'
import type { Lifetimes } from './lifetimes.ts'
import type { Meta, Node } from './node.ts'
import type { Runtime } from './runtime.ts'
import type { Leaf, Variable } from './variable.ts'

/** Compares sequence numbers: which of two nodes runs first. */
export type Order = (a: number, b: number) => number

/** The node that was recorded last runs first. */
export const DESCENDING: Order = (a, b) => b - a

/** Gradients on their way in one backward pass, and how many each leaf still waits for. */
interface Pass<D> {
  readonly missing: Map<Leaf<D>, number>
  readonly waiting: Map<Leaf<D>, Variable<D>>
}

/**
 * Runs gradients back through the graph as PyTorch's engine does (torch/csrc/autograd/engine.cpp): nodes by descending sequence
 * number, a node's saved tensors released when it has run, a second gradient added to the first, a leaf's gradient stored as
 * soon as its last one is there.
 */
export class Engine<D> {
  readonly #runtime: Runtime<D>
  readonly #lifetimes: Lifetimes<D>

  readonly #order: Order
  readonly #hooks: Hooks<D> | null
  readonly #names = new Map<string, string>()

  constructor(runtime: Runtime<D>, lifetimes: Lifetimes<D>, order: Order = DESCENDING, hooks: Hooks<D> | null = null) {
    this.#runtime = runtime
    this.#lifetimes = lifetimes
    this.#order = order
    this.#hooks = hooks
  }

  /** Runs everything below `root`, whose result `output` has the gradient `grad`. */
  run(root: Node<D>, output: number, grad: Variable<D>): void {
    root.receive(output, grad)
    const { order, missing } = reachable(root, this.#order)
    const pass: Pass<D> = { missing, waiting: new Map() }
    for (const node of order) this.#step(node, pass)
  }

  #step(node: Node<D>, pass: Pass<D>): void {
    const runtime = this.#runtime
    const lifetimes = this.#lifetimes
    const grads = node.pending
    if (!grads) {
      lifetimes.unsave(node)
      return
    }
    node.pending = null
    this.#place(node)
    if (node.watchers) {
      for (const called of node.watchers) called()
      this.#place(node)
    }
    for (const g of grads) {
      if (!g) continue
      runtime.onRead(g)
      runtime.onName(g, true)
    }
    if (node.checkpoint && node.held.length > 0) {
      node.checkpoint.unpack(node)
      this.#place(node)
    }
    for (const s of node.saved) runtime.onRead(s.variable)
    const made = this.#gradients(node, grads)
    // What a checkpoint handed out goes with the function that asked for it, before its gradients are summed.
    if (node.held.length > 0) lifetimes.letAllGo(node)
    const results = made.map((grad, i) => this.#reduce(grad, node.inputs[i] ?? null, grads))
    for (const g of grads) {
      if (!g) continue
      runtime.onName(g, false)
      if (!results.includes(g)) lifetimes.end(g)
    }
    lifetimes.unsave(node)
    this.#distribute(node, results, pass)
  }

  #place(node: Node<D>): void {
    this.#runtime.position.scope = node.scope
    this.#runtime.position.op = this.#backwardOf(node.op)
  }

  /** What a trace calls the backward of an operation. One string an operation: events are compared and grouped by it. */
  #backwardOf(op: string): string {
    let name = this.#names.get(op)
    if (name === undefined) {
      name = `${op} backward`
      this.#names.set(op, name)
    }
    return name
  }

  #gradients(node: Node<D>, grads: readonly (Variable<D> | null)[]): readonly (Variable<D> | null)[] {
    if (node.op === 'checkpoint' || node.op === 'post_backward') return node.custom!(grads)
    // A table's entry is typed by its name; under a name that is only known at run time, by their union.
    return this.#runtime.operation<OpName>(node.op).backward(new BackwardCall<D>(node, node.op, grads))
  }

  /** What validate_outputs does: a gradient is summed to its input's shape where it was broadcast, then cast to its type. */
  #reduce(grad: Variable<D> | null, input: Meta | null, incoming: readonly (Variable<D> | null)[]): Variable<D> | null {
    if (!grad || !input) return grad
    let result = grad
    if (!grad.whole && !sameSizes(grad.axes, input.axes))
      result = this.#replaced(result, this.#runtime.sumTo(this.#read(result), input.axes), incoming)
    if (result.dtype !== input.dtype)
      result = this.#replaced(result, this.#runtime.castTo(this.#read(result), input.dtype), incoming)
    return result
  }

  #read(v: Variable<D>): Variable<D> {
    this.#runtime.onRead(v)
    return v
  }

  #replaced(old: Variable<D>, made: Variable<D>, incoming: readonly (Variable<D> | null)[]): Variable<D> {
    if (!incoming.includes(old)) this.#lifetimes.end(old)
    return made
  }

  /** Hands gradients on to what comes next; AccumulateGrad, which goes before every other node, runs when all have theirs. */
  #distribute(node: Node<D>, results: readonly (Variable<D> | null)[], pass: Pass<D>): void {
    const ready: [Leaf<D>, Variable<D>][] = []
    for (let i = 0; i < results.length; i++) {
      let grad = results[i]
      const edge = node.edges[i]
      if (!grad || !edge) continue
      // One gradient given to two inputs (add) is one tensor with two holders.
      if (results.indexOf(grad) < i) grad = this.#runtime.alias(grad)
      if ('node' in edge) edge.node.receive(edge.output, this.#add(edge.node.pending?.[edge.output] ?? null, grad))
      else {
        const sum = this.#arrive(edge.leaf, grad, pass)
        if (sum) ready.push([edge.leaf, sum])
      }
    }
    for (const [leaf, sum] of ready) this.#store(leaf, sum)
  }

  #add(old: Variable<D> | null, grad: Variable<D>): Variable<D> {
    if (!old) return grad
    this.#adding()
    return this.#summed(old, grad, this.#runtime.accumulate(this.#read(old), this.#read(grad)))
  }

  #adding(): void {
    this.#runtime.position.op = 'add (accumulate)'
  }

  /** The addends go, but for one that became the sum. */
  #summed(old: Variable<D>, grad: Variable<D>, sum: Variable<D>): Variable<D> {
    if (sum !== old) this.#lifetimes.end(old)
    this.#lifetimes.end(grad)
    return sum
  }

  /** The leaf's gradient, if this was the last one of the pass. */
  #arrive(leaf: Leaf<D>, grad: Variable<D>, { missing, waiting }: Pass<D>): Variable<D> | null {
    const sum = this.#add(waiting.get(leaf) ?? null, grad)
    const left = (missing.get(leaf) ?? 1) - 1
    missing.set(leaf, left)
    if (left > 0) {
      waiting.set(leaf, sum)
      return null
    }
    waiting.delete(leaf)
    return sum
  }

  /** AccumulateGrad: keeps a leaf's gradient, or adds it to `.grad` over micro-steps. */
  #store(leaf: Leaf<D>, sum: Variable<D>): void {
    for (const called of leaf.watchers ?? []) called()
    if (leaf.grad) {
      const before = leaf.grad
      if (!leaf.parameter) this.#runtime.onName(before, false)
      this.#adding()
      leaf.grad = this.#summed(before, sum, this.#runtime.accumulateInto(this.#read(before), this.#read(sum)))
      this.#keep(leaf, leaf.grad)
      this.#hooks?.accumulated?.(leaf)
      return
    }
    const kept = this.#runtime.steal(sum, leaf.variable)
    if (kept !== sum) this.#lifetimes.end(sum)
    leaf.grad = kept
    this.#keep(leaf, kept)
    this.#hooks?.accumulated?.(leaf)
  }

  /** A parameter's gradient is the optimizer's; that of another tensor has its `.grad` as a name. */
  #keep(leaf: Leaf<D>, grad: Variable<D>): void {
    if (leaf.parameter) this.#runtime.onGradient(grad)
    else this.#runtime.onName(grad, true)
  }
}

/** All nodes below the root in the order the engine runs them, and how many gradients each leaf waits for. */
function reachable<D>(root: Node<D>, by: Order): { order: Node<D>[]; missing: Map<Leaf<D>, number> } {
  const missing = new Map<Leaf<D>, number>()
  // A mark on the nodes themselves: a set of them took as long as all else here together.
  const walk = {}
  root.walk = walk
  const found = [root]
  for (let i = 0; i < found.length; i++) {
    for (const edge of found[i]!.edges) {
      if (!edge) continue
      if ('leaf' in edge) missing.set(edge.leaf, (missing.get(edge.leaf) ?? 0) + 1)
      else if (edge.node.walk !== walk) {
        edge.node.walk = walk
        found.push(edge.node)
      }
    }
  }
  // In the engine's own order already, so that sorting is one pass.
  const placed: Node<D>[] = new Array(root.sequence + 1)
  for (const node of found) placed[root.sequence - node.sequence] = node
  const order = placed.filter(() => true).sort((a, b) => by(a.sequence, b.sequence))
  return { order, missing }
}

import type { AttributesOf, OpName } from '../ops/attributes.ts'
import type { Frame, Parameter } from '../ops/ops.ts'
import { OpsBase } from '../ops/shorthand.ts'
import { sameSizes } from '../trace/axes.ts'
import { BackwardCall, ForwardCall } from './call.ts'
import { LocalFrame, type Names } from './frame.ts'
import { type Edge, type Meta, Node } from './node.ts'
import type { Runtime } from './runtime.ts'
import { type Leaf, ReleasedTensor, type Variable } from './variable.ts'

/**
 * Records a program's operations and runs their gradients back, as PyTorch's engine does (torch/csrc/autograd/engine.cpp).
 * It is mechanism only: what an operation computes and keeps is the runtime's business.
 */
export class Tape<D> extends OpsBase<Variable<D>> implements Names<D> {
  readonly runtime: Runtime<D>
  #recording = true
  #sequence = 0
  readonly #scopes: string[] = []

  constructor(runtime: Runtime<D>) {
    super()
    this.runtime = runtime
  }

  // ---- forward

  runAll<N extends OpName>(
    op: N,
    inputs: readonly (Variable<D> | null)[],
    attributes: AttributesOf<N>,
  ): readonly Variable<D>[] {
    const runtime = this.runtime
    const operation = runtime.operation(op)
    runtime.position.op = op
    let wanted = false
    for (const v of inputs) {
      if (v === null) continue
      if (!v.alive) throw new ReleasedTensor(`${op} in ${runtime.position.scope || 'the loss'} got a released tensor`)
      if (v.requiresGrad) wanted = true
      runtime.onRead(v)
    }
    const recording = wanted && this.#recording
    const node = recording
      ? new Node<D>(op, attributes, this.#sequence++, runtime.position.scope, inputs.map(edgeOf), inputs.map(metaOf))
      : null
    const call = new ForwardCall<D, N>(runtime, op, attributes, inputs, node)
    const outputs = operation.forward(call)
    if (node) this.#record(node, outputs)
    for (const v of inputs) if (v !== null && v.names === 0 && v.alive && !outputs.includes(v)) this.#release(v)
    return outputs
  }

  #record(node: Node<D>, outputs: readonly Variable<D>[]): void {
    node.outputs = outputs.map(({ axes, dtype }) => ({ axes, dtype }))
    for (const edge of node.edges) if (edge && 'node' in edge) edge.node.holders++
    for (let i = 0; i < outputs.length; i++) {
      const v = outputs[i]!
      v.node = node
      v.output = i
      v.requiresGrad = true
      node.holders++
    }
  }

  parameter(p: Parameter): Variable<D> {
    return this.runtime.parameter(p)
  }

  requireGrad(x: Variable<D>): Variable<D> {
    x.requiresGrad = true
    x.leaf = { variable: x, parameter: null, grad: null }
    return x
  }

  call<R extends Variable<D> | readonly Variable<D>[]>(
    args: readonly Variable<D>[],
    body: (frame: Frame<Variable<D>>) => R,
  ): R {
    const frame = new LocalFrame<D>(this)
    for (const v of args) frame.let(v)
    return this.#returning(frame, body)
  }

  module<R extends Variable<D> | readonly Variable<D>[]>(
    path: string,
    args: readonly Variable<D>[],
    body: (frame: Frame<Variable<D>>) => R,
  ): R {
    const position = this.runtime.position
    this.#scopes.push(position.scope)
    position.scope = path
    const pinned = new LocalFrame<D>(this)
    for (const v of args) pinned.let(v)
    try {
      return this.#returning(pinned, () => this.#returning(new LocalFrame<D>(this), body))
    } finally {
      position.scope = this.#scopes.pop() ?? ''
    }
  }

  noGrad<R extends Variable<D> | readonly Variable<D>[]>(body: () => R): R {
    const before = this.#recording
    this.#recording = false
    try {
      return body()
    } finally {
      this.#recording = before
    }
  }

  /** Runs a function body; its names go when it returns, its result stays. */
  #returning<R extends Variable<D> | readonly Variable<D>[]>(
    frame: LocalFrame<D>,
    body: (frame: Frame<Variable<D>>) => R,
  ): R {
    let result: R | undefined
    const held: Variable<D>[] = []
    try {
      result = body(frame)
      if (Array.isArray(result)) held.push(...(result as readonly Variable<D>[]))
      else held.push(result as Variable<D>)
      for (const v of held) this.hold(v)
      return result
    } finally {
      frame.unwind()
      for (const v of held) if (--v.names === 0) this.runtime.onName(v, false)
    }
  }

  // ---- holders

  hold(v: Variable<D>): void {
    if (!v.alive)
      throw new ReleasedTensor(`a released tensor was named in ${this.runtime.position.scope || 'the loss'}`)
    if (v.names++ === 0) this.runtime.onName(v, true)
  }

  drop(v: Variable<D>): void {
    if (--v.names > 0) return
    this.runtime.onName(v, false)
    this.#release(v)
  }

  #release(v: Variable<D>): void {
    v.alive = false
    const node = v.node
    v.node = null
    this.runtime.release(v)
    if (node) this.#forget(node)
  }

  /** One holder of the node less; at the last one it goes, with what it saved and the nodes only it held. */
  #forget(node: Node<D>): void {
    const stack = [node]
    for (let n = stack.pop(); n; n = stack.pop()) {
      if (--n.holders > 0) continue
      this.#unsave(n)
      for (const edge of n.edges) if (edge && 'node' in edge) stack.push(edge.node)
    }
  }

  #unsave(node: Node<D>): void {
    for (const { variable } of node.saved) {
      this.runtime.onUnsave(variable)
      variable.alive = false
      this.runtime.release(variable)
    }
    node.saved = []
  }

  // ---- backward

  /** Gradients of `loss` for every leaf that trains; saved tensors go as each node finishes. */
  backward(loss: Variable<D>): void {
    const root = loss.node
    if (!root) throw new Error('the loss has no history: nothing that trains reaches it')
    const { order, arrivals } = reachable(root)
    this.runtime.position.op = 'ones_like'
    root.pending[loss.output] = this.runtime.ones(loss)
    for (const node of order) this.#step(node, arrivals)
  }

  #step(node: Node<D>, arrivals: Map<Leaf<D>, number>): void {
    const { runtime } = this
    runtime.position.scope = node.scope
    runtime.position.op = `${node.op} backward`
    const grads = node.outputs.map((_, i) => node.pending[i] ?? null)
    node.pending = []
    if (grads.every((g) => g === null)) {
      this.#unsave(node)
      return
    }
    for (const g of grads) {
      if (!g) continue
      runtime.onRead(g)
      runtime.onName(g, true)
    }
    for (const s of node.saved) runtime.onRead(s.variable)
    const call = new BackwardCall<D>(node, grads)
    // A table's entry is typed by its name; under a name that is only known at run time, by their union.
    const results = [...runtime.operation<OpName>(node.op).backward(call)]
    for (let i = 0; i < results.length; i++)
      results[i] = this.#reduce(results[i] ?? null, node.inputs[i] ?? null, grads)
    for (const g of grads) {
      if (!g) continue
      runtime.onName(g, false)
      if (!results.includes(g)) this.#end(g)
    }
    this.#unsave(node)
    this.#distribute(node, results, arrivals)
  }

  /** The engine sums a gradient to its input's shape where the operation broadcast it (validate_outputs). */
  #reduce(grad: Variable<D> | null, input: Meta | null, incoming: readonly (Variable<D> | null)[]): Variable<D> | null {
    if (!grad || !input || sameSizes(grad.axes, input.axes)) return grad
    this.runtime.onRead(grad)
    const sum = this.runtime.sumTo(grad, input.axes)
    if (!incoming.includes(grad)) this.#end(grad)
    return sum
  }

  #distribute(node: Node<D>, results: readonly (Variable<D> | null)[], arrivals: Map<Leaf<D>, number>): void {
    for (let i = 0; i < results.length; i++) {
      let grad = results[i]
      const edge = node.edges[i]
      if (!grad || !edge) continue
      // One gradient given to two inputs (add) is one tensor with two holders.
      if (results.indexOf(grad) < i) grad = this.runtime.alias(grad)
      if ('node' in edge) edge.node.pending[edge.output] = this.#add(edge.node.pending[edge.output] ?? null, grad)
      else this.#arrive(edge.leaf, grad, arrivals)
    }
  }

  #add(old: Variable<D> | null, grad: Variable<D>): Variable<D> {
    if (!old) return grad
    this.runtime.position.op = 'add (accumulate)'
    this.runtime.onRead(old)
    this.runtime.onRead(grad)
    const sum = this.runtime.accumulate(old, grad)
    if (sum !== old) this.#end(old)
    this.#end(grad)
    return sum
  }

  readonly #waiting = new Map<Leaf<D>, Variable<D>>()

  /** AccumulateGrad: runs at once when a leaf's last gradient of this pass is there, adds to `.grad` over micro-steps. */
  #arrive(leaf: Leaf<D>, grad: Variable<D>, arrivals: Map<Leaf<D>, number>): void {
    const sum = this.#add(this.#waiting.get(leaf) ?? null, grad)
    const left = (arrivals.get(leaf) ?? 1) - 1
    arrivals.set(leaf, left)
    if (left > 0) {
      this.#waiting.set(leaf, sum)
      return
    }
    this.#waiting.delete(leaf)
    if (leaf.parameter === null) {
      this.#end(sum)
      return
    }
    if (leaf.grad) {
      leaf.grad = this.#add(leaf.grad, sum)
      return
    }
    const kept = this.runtime.steal(sum, leaf.variable)
    if (kept !== sum) this.#end(sum)
    leaf.grad = kept
    this.runtime.onGradient(kept)
  }

  #end(v: Variable<D>): void {
    v.alive = false
    this.runtime.release(v)
  }

  /** `zero_grad(set_to_none=True)`. */
  zeroGrad(leaf: Leaf<D>): void {
    if (leaf.grad) this.#end(leaf.grad)
    leaf.grad = null
  }
}

const metaOf = <D>(v: Variable<D> | null): Meta | null => (v === null ? null : { axes: v.axes, dtype: v.dtype })

function edgeOf<D>(v: Variable<D> | null): Edge<D> {
  if (v === null || !v.requiresGrad) return null
  if (v.node) return { node: v.node, output: v.output }
  return v.leaf ? { leaf: v.leaf } : null
}

/** All nodes below the loss in the order the engine runs them, and how many gradients each leaf waits for. */
function reachable<D>(root: Node<D>): { order: Node<D>[]; arrivals: Map<Leaf<D>, number> } {
  const seen = new Set<Node<D>>([root])
  const order = [root]
  const arrivals = new Map<Leaf<D>, number>()
  for (let i = 0; i < order.length; i++) {
    for (const edge of order[i]!.edges) {
      if (!edge) continue
      if ('leaf' in edge) arrivals.set(edge.leaf, (arrivals.get(edge.leaf) ?? 0) + 1)
      else if (!seen.has(edge.node)) {
        seen.add(edge.node)
        order.push(edge.node)
      }
    }
  }
  order.sort((a, b) => b.sequence - a.sequence)
  return { order, arrivals }
}

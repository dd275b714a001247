import type { AttributesOf, OpName } from '../ops/attributes.ts'
import type { Checkpointing, Frame, Parameter } from '../ops/ops.ts'
import { OpsBase } from '../ops/shorthand.ts'
import { isFloating } from '../trace/dtype.ts'
import { Autocast, type AutocastPolicy } from './autocast.ts'
import { ForwardCall, type RunKernel, type SaveTo } from './call.ts'
import { Checkpoint, StopRecomputation } from './checkpoint.ts'
import { Engine, type Order } from './engine.ts'
import { LocalFrame } from './frame.ts'
import type { Hooks } from './hooks.ts'
import { Lifetimes } from './lifetimes.ts'
import { type Edge, NOTHING, Node } from './node.ts'
import type { Runtime } from './runtime.ts'
import { type Leaf, ReleasedTensor, Variable } from './variable.ts'

/**
 * Records a program's operations for the engine to run back. It is mechanism only: what an operation computes and keeps is the
 * runtime's business.
 */
export class Tape<D> extends OpsBase<Variable<D>> {
  readonly runtime: Runtime<D>
  readonly #lifetimes: Lifetimes<D>
  readonly #engine: Engine<D>
  #recording = true
  #sequence = 0
  readonly #scopes: string[] = []
  /** Inputs that were made to require a gradient: their AccumulateGrad nodes live as long as the graph. */
  readonly #inputs: Leaf<D>[] = []
  readonly #captured: Variable<D>[] = []
  #saveTo: SaveTo<D>
  /** Operations whose results the region that is run keeps, and what becomes of them: kept, or handed out. */
  #keeping: Keeping<D> | null = null
  /** While a region is computed again: all its results, so that an early stop can release what is under way. */
  #made: Variable<D>[] | null = null

  readonly #autocast: Autocast<D> | null
  readonly #hooks: Hooks<D> | null

  constructor(
    runtime: Runtime<D>,
    autocast: AutocastPolicy | null = null,
    order?: Order,
    hooks: Hooks<D> | null = null,
  ) {
    super()
    this.runtime = runtime
    this.#hooks = hooks
    this.#lifetimes = new Lifetimes(runtime)
    this.#autocast =
      autocast && new Autocast<D>(autocast, this.#lifetimes, (v, dtype) => this.run('to', [v], { dtype }))
    this.#engine = new Engine(runtime, this.#lifetimes, order, hooks)
    this.#saveTo = this.#keep
  }

  runAll<N extends OpName>(
    op: N,
    inputs: readonly (Variable<D> | null)[],
    attributes: AttributesOf<N>,
  ): readonly Variable<D>[] {
    // Without autocast no closure is made: it is one an operation.
    if (!this.#autocast) return this.#apply(op, inputs, attributes)
    const told = this.#autocast.told(op, attributes)
    return this.casting(op, inputs, (cast) => this.#apply(op, cast, told))
  }

  override casting<R>(
    op: OpName | 'matmul',
    inputs: readonly (Variable<D> | null)[],
    body: (inputs: readonly (Variable<D> | null)[]) => R,
  ): R {
    const autocast = this.#autocast
    const dtype = autocast?.wanted(op)
    if (!autocast || !dtype) return body(inputs)
    // The caller's stack holds the arguments until the operation returns.
    const frame = new LocalFrame<D>(this.#lifetimes)
    for (const v of inputs) if (v) frame.let(v)
    try {
      return body(autocast.cast(inputs, dtype))
    } finally {
      frame.unwind()
    }
  }

  #apply<N extends OpName>(
    op: N,
    inputs: readonly (Variable<D> | null)[],
    attributes: AttributesOf<N>,
  ): readonly Variable<D>[] {
    const runtime = this.runtime
    const { position } = runtime
    position.op = op
    let wanted = false
    for (const v of inputs) {
      if (v === null) continue
      if (!v.alive) throw new ReleasedTensor(`${op} in ${position.scope || 'the loss'} got a released tensor`)
      if (v.requiresGrad) wanted = true
      runtime.onRead(v)
    }
    const node =
      wanted && this.#recording
        ? new Node<D>(op, attributes, this.#sequence++, position.scope, inputs.map(edgeOf), inputs)
        : null
    const kept = this.#keeping?.ops.has(op) === true
    const runKernel = kept ? this.#keeping!.run : null
    const call = new ForwardCall<D, N>(op, attributes, inputs, node, this.#saveTo, this.#attach, runKernel)
    const outputs = runtime.operation(op).forward(call)
    if (kept && !call.isAsked) throw new Error(`${op} has no results that a checkpoint could keep`)
    if (inputs.includes(outputs[0]!)) return outputs
    this.#made?.push(...outputs)
    if (node) record(node, outputs)
    for (const v of inputs) if (v !== null && v.names === 0 && v.alive) this.#lifetimes.release(v)
    return outputs
  }

  readonly #keep: SaveTo<D> = (node, slot, tensor, why) => {
    const variable = this.runtime.alias(tensor)
    this.runtime.onSave(variable, why)
    node.keep({ slot, why, variable })
  }

  readonly #attach = (node: Node<D>, tensor: Variable<D>, why: string): void => {
    const variable = this.runtime.alias(tensor)
    this.runtime.onSave(variable, why)
    node.attached = [...node.attached, variable]
  }

  parameter(p: Parameter): Variable<D> {
    this.#hooks?.access?.(p)
    return this.runtime.parameter(p)
  }

  requireGrad(x: Variable<D>): Variable<D> {
    if (x.requiresGrad || !this.#recording) return x
    if (this.#made) {
      // Computed again for its values: the gradient goes to the first one.
      x.requiresGrad = true
      x.leaf = { variable: x, parameter: null, grad: null }
      return x
    }
    const kept = this.runtime.alias(x)
    this.#lifetimes.hold(kept)
    const leaf: Leaf<D> = { variable: kept, parameter: null, grad: null }
    this.#inputs.push(leaf)
    x.requiresGrad = true
    x.leaf = leaf
    return x
  }

  call<R extends Variable<D> | readonly Variable<D>[]>(
    args: readonly Variable<D>[],
    body: (frame: Frame<Variable<D>>) => R,
  ): R {
    const frame = new LocalFrame<D>(this.#lifetimes)
    for (const v of args) frame.let(v)
    return this.#returning(frame, body)
  }

  module<R extends Variable<D> | readonly Variable<D>[]>(
    path: string,
    args: readonly Variable<D>[],
    body: (frame: Frame<Variable<D>>) => R,
  ): R {
    const { position } = this.runtime
    this.#scopes.push(position.scope)
    position.scope = path
    const hooks = this.#hooks
    for (const v of args) this.#lifetimes.hold(v)
    try {
      if (!hooks) return this.#returning(new LocalFrame<D>(this.#lifetimes), body, args)
      return this.#returning(new LocalFrame<D>(this.#lifetimes), () => this.#hooked(hooks, path, args, body), args)
    } finally {
      position.scope = this.#scopes.pop() ?? ''
    }
  }

  #hooked<R extends Variable<D> | readonly Variable<D>[]>(
    hooks: Hooks<D>,
    path: string,
    args: readonly Variable<D>[],
    body: (frame: Frame<Variable<D>>) => R,
  ): R {
    hooks.enter?.(this, path, args)
    const result = this.#returning(new LocalFrame<D>(this.#lifetimes), body)
    hooks.leave?.(this, path, resultsOf(result))
    return result
  }

  /** True while operations are recorded (`torch.is_grad_enabled`). */
  get recording(): boolean {
    return this.#recording
  }

  /**
   * Puts a node of its own between tensors that require a gradient and whatever uses them from here on, as a
   * `torch.autograd.Function` does that returns its inputs. It hands gradients on when `backward` has run. Call what is returned
   * where the tensors are their own again.
   */
  through(tensors: readonly Variable<D>[], backward: () => void): () => void {
    const { position } = this.runtime
    const scope = position.scope
    const node = new Node<D>('post_backward', {}, this.#sequence++, scope, tensors.map(edgeOf), tensors)
    node.custom = (grads) => {
      backward()
      position.scope = scope
      return grads
    }
    const before = tensors.map((v) => ({ node: v.node, output: v.output }))
    record(node, tensors)
    return () => {
      tensors.forEach((v, i) => {
        if (v.node !== node) return
        const { node: own, output } = before[i]!
        v.node = own
        v.output = output
        this.#lifetimes.forget(node)
      })
    }
  }

  /** Calls back when a gradient of `v` is there, before whatever made it runs back (`Tensor.register_hook`). */
  watch(v: Variable<D>, called: () => void): void {
    const by = v.node ?? v.leaf
    if (by) by.watchers = [...(by.watchers ?? []), called]
  }

  noGrad<R extends Variable<D> | readonly Variable<D>[]>(body: () => R): R {
    return this.#record(false, body)
  }

  #record<R>(recording: boolean, body: () => R): R {
    const before = this.#recording
    this.#recording = recording
    try {
      return body()
    } finally {
      this.#recording = before
    }
  }

  checkpoint<R extends Variable<D> | readonly Variable<D>[]>(
    { mode, keeps: ops }: Checkpointing,
    args: readonly Variable<D>[],
    captured: readonly Variable<D>[],
    body: (args: readonly Variable<D>[]) => R,
  ): R {
    // torch/utils/checkpoint.py: without a graph there is nothing to compute again.
    if (mode === 'none' || !this.#recording) return body(args)
    if (mode === 'reentrant') {
      if (ops.size > 0) throw new Error('a reentrant region keeps nothing')
      const single = (inputs: readonly Variable<D>[]): Variable<D> => {
        const result = body(inputs)
        if (result instanceof Variable) return result
        throw new Error('a reentrant region with several results is not followed')
      }
      // One result, as was just made sure.
      return this.#reentrant(args, captured, single) as R
    }
    const { scope } = this.runtime.position
    const region: Checkpoint<D> = new Checkpoint(this.runtime, this.#lifetimes, args, captured, (inputs) => {
      const handing = ops.size > 0 ? { ops, run: () => region.take() } : null
      this.#keepingWith(handing, () => this.#again(region, scope, inputs, body))
    })
    const keeping = ops.size > 0 ? { ops, run: (run: () => readonly Variable<D>[]) => region.put(run()) } : null
    const result = this.#saving(
      (node, slot, _, why) => region.pack(node, slot, why),
      () => this.#keepingWith(keeping, () => body(args)),
    )
    region.close()
    return result
  }

  #saving<R>(saveTo: SaveTo<D>, body: () => R): R {
    const before = this.#saveTo
    this.#saveTo = saveTo
    try {
      return body()
    } finally {
      this.#saveTo = before
    }
  }

  #keepingWith<R>(keeping: Keeping<D> | null, body: () => R): R {
    const before = this.#keeping
    this.#keeping = keeping
    try {
      return body()
    } finally {
      this.#keeping = before
    }
  }

  #region<R>(body: () => R): R {
    return this.#autocast ? this.#autocast.nested(body) : body()
  }

  /** Leaves `torch.autocast`. */
  endAutocast(): void {
    this.#autocast?.end()
  }

  /** Runs a region again for what its nodes save, up to the last one; all else it makes goes. */
  #again(
    region: Checkpoint<D>,
    within: string,
    inputs: readonly Variable<D>[],
    body: (args: readonly Variable<D>[]) => Variable<D> | readonly Variable<D>[],
  ): void {
    const { position } = this.runtime
    const { scope } = position
    position.scope = within
    const made: Variable<D>[] = []
    const before = this.#made
    this.#made = made
    for (const v of inputs) this.#lifetimes.hold(v)
    let last: Node<D> | null = null
    try {
      this.#saving(
        (node, slot, tensor, why) => {
          last = node
          if (!region.keep(tensor, why)) this.#keep(node, slot, tensor, why)
        },
        () => this.#record(true, () => this.#region(() => body(inputs))),
      )
    } catch (e) {
      if (!(e instanceof StopRecomputation)) throw e
      // The operation it stopped in has no result that would hold its node.
      if (last) this.#lifetimes.unsave(last)
    } finally {
      this.#made = before
      for (const v of inputs) this.#lifetimes.unname(v)
      for (const v of made) if (v.alive && v.names === 0) this.#lifetimes.release(v)
      position.scope = scope
    }
  }

  /** torch/utils/checkpoint.py, CheckpointFunction: one node; its backward runs the region and that region's own backward. */
  #reentrant(
    args: readonly Variable<D>[],
    captured: readonly Variable<D>[],
    body: (args: readonly Variable<D>[]) => Variable<D>,
  ): Variable<D> {
    const { runtime } = this
    const scope = runtime.position.scope
    const wanted = args.some((v) => v.requiresGrad)
    const node = wanted ? new Node<D>('checkpoint', {}, this.#sequence++, scope, args.map(edgeOf), args) : null
    if (node) {
      args.forEach((v, i) => {
        const variable = runtime.alias(v)
        variable.requiresGrad = v.requiresGrad
        runtime.onSave(variable, 'recomputation')
        node.keep({ slot: `${i}`, why: 'recomputation', variable })
      })
      // ctx.run_function refers to them as long as the graph lives.
      for (const v of captured) this.#lifetimes.hold(v)
      this.#captured.push(...captured)
    }
    const result = this.noGrad(() => body(args))
    if (!node) return result
    node.custom = (grads) => {
      runtime.position.scope = scope
      const detached = node.saved.map(({ variable }) => this.#detached(variable))
      const output = this.#record(true, () => this.#region(() => body(detached)))
      this.#lifetimes.hold(output)
      const root = output.node
      if (root) this.#engine.run(root, output.output, runtime.alias(grads[0]!))
      const gradients = detached.map((v) => v.leaf?.grad ?? null)
      for (const g of gradients) if (g) runtime.onName(g, false)
      this.#lifetimes.drop(output)
      for (const v of detached) this.#lifetimes.drop(v)
      return gradients
    }
    record(node, [result])
    return result
  }

  /** detach_variable: the same storage as a new leaf. */
  #detached(v: Variable<D>): Variable<D> {
    const copy = this.runtime.alias(v)
    if (v.requiresGrad) {
      copy.requiresGrad = true
      copy.leaf = { variable: copy, parameter: null, grad: null }
    }
    this.#lifetimes.hold(copy)
    return copy
  }

  /** Runs a function body; its names go when it returns, then what its caller pinned; its result stays. */
  #returning<R extends Variable<D> | readonly Variable<D>[]>(
    frame: LocalFrame<D>,
    body: (frame: Frame<Variable<D>>) => R,
    pinned: readonly Variable<D>[] = NOTHING,
  ): R {
    const lifetimes = this.#lifetimes
    let result: Variable<D> | readonly Variable<D>[] = NOTHING
    try {
      const returned = body(frame)
      if (returned instanceof Variable) lifetimes.hold(returned)
      else for (const v of returned as readonly Variable<D>[]) lifetimes.hold(v)
      result = returned
      return returned
    } finally {
      frame.unwind()
      for (const v of pinned) lifetimes.drop(v)
      if (result instanceof Variable) lifetimes.unname(result)
      else for (const v of result) lifetimes.unname(v)
    }
  }

  hold(v: Variable<D>): void {
    this.#lifetimes.hold(v)
  }

  drop(v: Variable<D>): void {
    this.#lifetimes.drop(v)
  }

  /**
   * Gradients of `loss` for every leaf that trains; saved tensors go as each node finishes. `gradient` is the loss's own, where it is no
   * number; whoever hands it in holds it.
   */
  backward(loss: Variable<D>, gradient: Variable<D> | null = null): void {
    const root = loss.node
    if (!root) throw new Error('the loss has no history: nothing that trains reaches it')
    if (gradient) {
      this.#engine.run(root, loss.output, this.runtime.alias(gradient))
      this.#hooks?.endBackward?.()
      return
    }
    this.runtime.position.op = 'ones_like'
    // torch.autograd.backward holds the first gradient until it returns.
    const ones = this.runtime.ones(loss)
    this.hold(ones)
    this.#engine.run(root, loss.output, this.runtime.alias(ones))
    this.#hooks?.endBackward?.()
    this.drop(ones)
  }

  /** A gradient that a name held is not wanted any more. */
  end(gradient: Variable<D>): void {
    this.runtime.onName(gradient, false)
    this.#lifetimes.end(gradient)
  }

  /** `zero_grad(set_to_none=True)`. */
  zeroGrad(leaf: Leaf<D>): void {
    const { grad } = leaf
    leaf.grad = null
    if (!grad) return
    if (!leaf.parameter) this.runtime.onName(grad, false)
    this.#lifetimes.end(grad)
  }

  /** The loss goes, and with it the graph: inputs that require a gradient and their gradients. */
  finish(loss: Variable<D>): void {
    this.drop(loss)
    for (const leaf of this.#inputs) {
      this.zeroGrad(leaf)
      this.drop(leaf.variable)
    }
    this.#inputs.length = 0
    for (const v of this.#captured) this.drop(v)
    this.#captured.length = 0
  }
}

// A generic union of one and many is told apart at run time only.
const resultsOf = <D>(result: Variable<D> | readonly Variable<D>[]): readonly Variable<D>[] =>
  result instanceof Variable ? [result] : result

interface Keeping<D> {
  readonly ops: Checkpointing['keeps']
  readonly run: RunKernel<D>
}

/** Whole numbers among the results have no gradient, and no history (torch/csrc/autograd/functions/utils.h, set_history). */
function record<D>(node: Node<D>, outputs: readonly Variable<D>[]): void {
  node.outputs = outputs
  for (const edge of node.edges) if (edge && 'node' in edge) edge.node.holders++
  for (let i = 0; i < outputs.length; i++) {
    const v = outputs[i]!
    if (!isFloating(v.dtype)) continue
    v.node = node
    v.output = i
    v.requiresGrad = true
    node.holders++
  }
}

function edgeOf<D>(v: Variable<D> | null): Edge<D> {
  if (v === null || !v.requiresGrad) return null
  if (v.node) return { node: v.node, output: v.output }
  return v.leaf ? { leaf: v.leaf } : null
}

import type { Operation } from '../autograd/operation.ts'
import type { AttributesOf, OpName } from '../ops/attributes.ts'
import { backwardFlops, forwardFlops, multiplies } from '../ops/flops.ts'
import { Simulator } from '../simulate/simulator.ts'
import type { View } from '../simulate/storage.ts'
import type { Axes, Axis } from '../trace/axes.ts'

/** Where a product is run: in the forward, in the forward of a checkpointed region that is run again, or for a gradient. */
export type Part = 'forward' | 'recomputed' | 'backward'

/** A product of matrices on operands of certain shapes, and how often a step runs it. */
export interface Product {
  readonly part: Part
  /** Operations of one run, where each axis has the size that `sizeOf` gives. */
  readonly flops: (sizeOf: (axis: Axis) => number) => number
  count: number
}

type Shapes = readonly (Axes | null)[]

/** The products of a step, each distinct one once. */
export class Products {
  readonly #byKey = new Map<string, Product>()

  get all(): ReadonlyMap<string, Product> {
    return this.#byKey
  }

  /** @param wanted gradients of which inputs a backward is asked for; null for a forward */
  add<N extends OpName>(
    part: Part,
    op: N,
    inputs: Shapes,
    attributes: AttributesOf<N>,
    wanted: readonly boolean[] | null,
  ): void {
    const shapes = inputs.map((axes) => axes?.map(({ name, size }) => `${name} ${size}`).join() ?? '-').join(';')
    const key = `${part} ${op} ${shapes} ${JSON.stringify(attributes)} ${wanted?.join() ?? ''}`
    const known = this.#byKey.get(key)
    if (known) {
      known.count++
      return
    }
    const flops = (sizeOf: (axis: Axis) => number): number => {
      const sized = inputs.map((axes) => axes?.map((axis) => ({ name: axis.name, size: sizeOf(axis) })) ?? null)
      return wanted
        ? backwardFlops(op, sized, attributes, (i) => wanted[i] === true)
        : forwardFlops(op, sized, attributes)
    }
    this.#byKey.set(key, { part, flops, count: 1 })
  }
}

/** A simulator that notes what its operations multiply. */
export class Counter extends Simulator {
  readonly products = new Products()
  readonly #wrapped = new Map<OpName, Operation<View, OpName>>()

  override operation<N extends OpName>(op: N): Operation<View, N> {
    const inner = super.operation(op)
    if (!multiplies(op)) return inner
    // The entry under a name is typed by that name.
    const known = this.#wrapped.get(op) as unknown as Operation<View, N> | undefined
    if (known) return known
    const wrapped: Operation<View, N> = {
      forward: (call) => {
        const shapes = call.inputs.map((v) => v?.axes ?? null)
        const part = this.position.phase === 'forward' ? 'forward' : 'recomputed'
        // A recomputation that stops at a save of this operation does not run it.
        const outputs = inner.forward(call)
        if (!call.isHandedOut) this.products.add(part, op, shapes, call.attributes, null)
        return outputs
      },
      backward: (call) => {
        const shapes = call.inputs.map((m) => m?.axes ?? null)
        const wanted = shapes.map((_, i) => call.needs(i))
        this.products.add('backward', op, shapes, call.attributes, wanted)
        return inner.backward(call)
      },
    }
    this.#wrapped.set(op, wrapped as unknown as Operation<View, OpName>)
    return wrapped
  }
}

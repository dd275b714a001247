import type { Forward, Operation } from '../autograd/operation.ts'
import type { OpName } from '../ops/attributes.ts'
import { Simulator, type SimulatorOptions } from '../simulate/simulator.ts'
import type { SimTensor, View } from '../simulate/storage.ts'

/** One thing made wrong on the simulated side; by `at`, the how-manieth time it happens. */
export type Mutation =
  | { readonly kind: 'save dropped'; readonly op: OpName; readonly slot: string }
  | { readonly kind: 'input saved'; readonly op: OpName; readonly input: number }
  | { readonly kind: 'result doubled'; readonly op: OpName }
  | { readonly kind: 'release dropped'; readonly at: number }

/** What a run did, so that each of it can be made wrong in turn. */
export interface Census {
  readonly saves: Map<string, { op: OpName; slot: string }>
  readonly unsaved: Map<string, { op: OpName; input: number }>
  readonly results: Set<OpName>
  releases: number
}

export const census = (): Census => ({ saves: new Map(), unsaved: new Map(), results: new Set(), releases: 0 })

/** A simulator that makes one thing wrong, or only counts what there is to make wrong. */
export class Mutant extends Simulator {
  readonly #mutation: Mutation | null
  readonly #census: Census | null
  readonly #wrapped = new Map<OpName, Operation<View, OpName>>()
  #releases = 0
  #doubles = false
  #allocates = false

  constructor(options: SimulatorOptions, mutation: Mutation | null, counted: Census | null = null) {
    super(options)
    this.#mutation = mutation
    this.#census = counted
  }

  override operation<N extends OpName>(op: N): Operation<View, N> {
    // The entry under a name is typed by that name.
    const known = this.#wrapped.get(op) as unknown as Operation<View, N> | undefined
    if (known) return known
    const made = this.#wrap(op, super.operation(op))
    this.#wrapped.set(op, made as unknown as Operation<View, OpName>)
    return made
  }

  #wrap<N extends OpName>(op: N, inner: Operation<View, N>): Operation<View, N> {
    return {
      forward: (call) => {
        const saved = new Set<SimTensor>()
        const seen = this.#watching(op, call, saved)
        const m = this.#mutation
        this.#doubles = m?.kind === 'result doubled' && m.op === op
        this.#allocates = false
        const outputs = inner.forward(seen)
        this.#doubles = false
        if (this.#allocates) this.#census?.results.add(op)
        call.inputs.forEach((v, i) => {
          if (!v || !call.recording || saved.has(v)) return
          this.#census?.unsaved.set(`${op} ${i}`, { op, input: i })
          if (m?.kind === 'input saved' && m.op === op && m.input === i) call.save(`mutant ${i}`, v, 'nothing')
        })
        return outputs
      },
      backward: (call) => inner.backward(call),
    }
  }

  #watching<N extends OpName>(op: N, call: Forward<View, N>, saved: Set<SimTensor>): Forward<View, N> {
    return {
      op,
      attributes: call.attributes,
      inputs: call.inputs,
      recording: call.recording,
      needs: (i) => call.needs(i),
      save: (slot, tensor, why) => {
        if (!call.recording) return
        saved.add(tensor)
        this.#census?.saves.set(`${op} ${slot}`, { op, slot })
        const m = this.#mutation
        if (m?.kind === 'save dropped' && m.op === op && m.slot === slot) return
        call.save(slot, tensor, why)
      },
      attach: (tensor, why) => call.attach(tensor, why),
      kernel: (run) => call.kernel(run),
      get isHandedOut() {
        return call.isHandedOut
      },
    }
  }

  override alloc(...args: Parameters<Simulator['alloc']>): SimTensor {
    this.#allocates = true
    if (!this.#doubles) return super.alloc(...args)
    this.#doubles = false
    const [axes, ...rest] = args
    return super.alloc([{ name: '2', size: 2 }, ...axes], ...rest)
  }

  readonly #kept = new Set<number>()

  override keep(v: SimTensor): SimTensor {
    this.#kept.add(v.data.storage.id)
    return super.keep(v)
  }

  override release(v: SimTensor): void {
    // A parameter or the batch stays whatever looks at it: one look less is no difference.
    if (this.#kept.has(v.data.storage.id)) {
      super.release(v)
      return
    }
    const n = this.#releases++
    if (this.#census) this.#census.releases = this.#releases
    if (this.#mutation?.kind === 'release dropped' && this.#mutation.at === n) return
    super.release(v)
  }
}

import type { SimTensor } from '../../simulate/storage.ts'
import { flat } from '../../trace/axes.ts'
import type { Communication } from './comm.ts'
import type { ShardedParameter } from './param.ts'
import { type Gradient, reduce } from './reduce.ts'

export type TrainingState = 'idle' | 'forward' | 'pre-backward' | 'post-backward'

/** What holds for every group of a model. */
export interface GroupManner {
  readonly offload: boolean
}

/**
 * Parameters that are gathered and reduced together (_fsdp_param_group.py, FSDPParamGroup). Its methods are that class's own,
 * with what each one allocates and lets go.
 */
export class ParameterGroup {
  /** `layer`, `head`, …: what its buffers are called in formulas. */
  readonly name: string
  readonly parameters: readonly ShardedParameter[]
  state: TrainingState = 'idle'
  readonly #comm: Communication
  readonly #reshards: boolean
  readonly #manner: GroupManner
  #whole = false
  /** A gather that nobody has copied out yet (`_all_gather_result`). */
  #result: SimTensor | null = null
  /** What a hybrid's all-reduce reads, kept to the end of the backward (`_all_reduce_state`). */
  #reduced: SimTensor | null = null
  readonly #runs: number[] = []

  constructor(
    name: string,
    parameters: readonly ShardedParameter[],
    comm: Communication,
    reshards: boolean,
    manner: GroupManner,
  ) {
    this.name = name
    this.parameters = parameters
    this.#comm = comm
    this.#reshards = reshards
    this.#manner = manner
  }

  preForward(): void {
    this.state = 'forward'
    this.#unshard()
    this.#waitForUnshard()
  }

  postForward(): void {
    if (this.#reshards) this.#reshard()
    this.#runs.push(this.#comm.order.length)
    this.#comm.order.push(this)
    this.state = 'idle'
  }

  preBackward(): void {
    if (this.state === 'pre-backward') return
    this.state = 'pre-backward'
    this.#unshard()
    this.#waitForUnshard()
    const at = this.#runs.pop()
    if (at !== undefined && at > 0) this.#comm.order[at - 1]!.prefetch()
  }

  /** `_prefetch_unshard`: only the gather, its copying out waits for the module. */
  prefetch(): void {
    this.#unshard()
  }

  postBackward(): void {
    this.state = 'post-backward'
    const { simulator, reduces, reducing } = this.#comm
    if (!reduces) {
      this.#reshard()
      return
    }
    const gradients: Gradient[] = []
    for (const of of this.parameters) {
      const grad = of.takeGradient()
      if (grad) gradients.push({ of, grad })
    }
    this.#reshard()
    for (let input = reducing.shift(); input; input = reducing.shift()) simulator.release(input)
    if (gradients.length === 0) return
    this.#letGoOfReduced()
    const { input, reduced } = reduce(this.#comm, this.name, gradients, this.#manner)
    reducing.push(input)
    this.#reduced = reduced
  }

  /** Once in every backward, whether the group was used or not. */
  finalizeBackward(): void {
    this.#letGoOfReduced()
    if (this.#result) this.#comm.simulator.release(this.#result)
    this.#result = null
    this.#runs.length = 0
  }

  #letGoOfReduced(): void {
    if (this.#reduced) this.#comm.simulator.release(this.#reduced)
    this.#reduced = null
  }

  /**
   * _fsdp_collectives.py, foreach_all_gather: shards cast or copied to the device first, all into one buffer; bytes where types
   * differ.
   */
  #unshard(): void {
    if (this.#result || this.#whole) return
    const { simulator, ranks } = this.#comm
    simulator.position.op = 'all_gather'
    simulator.stream = 'gather'
    const inputs = this.#manner.offload ? this.#uploaded() : this.#cast()
    const types = new Set(this.parameters.map((p) => p.whole.dtype))
    const [only] = types
    const elements = this.parameters.reduce((n, p) => n + p.elements, 0)
    const bytes = this.parameters.reduce((n, p) => n + p.elements * simulator.dialect.itemsize[p.whole.dtype], 0)
    this.#result =
      types.size === 1 && only
        ? simulator.alloc([flat(this.name, elements * ranks)], only)
        : simulator.alloc([flat(this.name, bytes * ranks)], 'uint8')
    simulator.stream = null
    for (const v of inputs) simulator.release(v)
  }

  /** Shards in the computing type, in one buffer (`_get_param_all_gather_inputs`). */
  #cast(): SimTensor[] {
    const { simulator } = this.#comm
    const cast = this.parameters.filter((p) => p.dtype !== p.whole.dtype)
    const [first] = cast
    if (!first) return []
    const elements = cast.reduce((n, p) => n + p.elements, 0)
    return [simulator.alloc([flat(this.name, elements, this.#comm.ranks)], first.whole.dtype)]
  }

  /** Shards from the host, one by one, cast where that is (`all_gather_inputs`). */
  #uploaded(): SimTensor[] {
    const { simulator, ranks } = this.#comm
    return this.parameters.map((p) => {
      const axes = [flat(this.name, p.elements, ranks)]
      const copy = simulator.alloc(axes, p.dtype)
      if (p.dtype === p.whole.dtype) return copy
      const narrow = simulator.alloc(axes, p.whole.dtype)
      simulator.release(copy)
      return narrow
    })
  }

  /** Copies what was gathered into the whole parameters. A forward keeps the buffer until the next module has done so. */
  #waitForUnshard(): void {
    const result = this.#result
    if (!result) return
    const { simulator } = this.#comm
    const { scope } = simulator.position
    for (const p of this.parameters) {
      simulator.position.scope = p.scope
      simulator.fill(p.whole, 'parameter')
    }
    simulator.position.scope = scope
    this.#whole = true
    if (this.state === 'forward') {
      const before = this.#comm.gathered
      this.#comm.gathered = result
      if (before) simulator.release(before)
    } else simulator.release(result)
    this.#result = null
  }

  #reshard(): void {
    if (!this.#whole) return
    const { simulator } = this.#comm
    simulator.position.op = 'reshard'
    for (const p of this.parameters) simulator.drain(p.whole)
    this.#whole = false
  }
}

import type { Lifetimes } from './lifetimes.ts'
import { NOTHING, type Node, type Recomputation } from './node.ts'
import type { Runtime } from './runtime.ts'
import type { Variable } from './variable.ts'

/** Thrown inside a recomputation when everything that was needed is there (torch.utils.checkpoint, _StopRecomputationError). */
export class StopRecomputation extends Error {}

/** Thrown once a region: a new one would look up its stack each time. */
const STOP = new StopRecomputation()

/**
 * A region under non-reentrant checkpointing (torch/utils/checkpoint.py, _CheckpointFrame): the forward keeps its inputs and
 * counts its saves; the first node that asks for one runs the region again, which stops at the last save.
 */
export class Checkpoint<D> implements Recomputation<D> {
  readonly #runtime: Runtime<D>
  readonly #lifetimes: Lifetimes<D>
  readonly #again: (inputs: readonly Variable<D>[]) => void
  readonly #inputs: readonly Variable<D>[]
  readonly #captured: readonly Variable<D>[]
  #holders = 0
  /** Nodes of the forward that still have holders. */
  #open = 0
  #computed: (Variable<D> | null)[] | null = null
  /** Places whose node has gone (`weak_holders` that are dead). */
  readonly #gone = new Set<number>()
  #packing = true
  /** Results of the forward's kernels that the region keeps, first to last (_CachingTorchDispatchMode). */
  readonly #kept: (readonly Variable<D>[])[] = []

  /**
   * `inputs` are kept (`_NoopSaveInputs`), `captured` are what the region's closure refers to; `again` runs the region.
   */
  constructor(
    runtime: Runtime<D>,
    lifetimes: Lifetimes<D>,
    inputs: readonly Variable<D>[],
    captured: readonly Variable<D>[],
    again: (inputs: readonly Variable<D>[]) => void,
  ) {
    this.#runtime = runtime
    this.#lifetimes = lifetimes
    this.#again = again
    this.#captured = captured
    for (const v of captured) lifetimes.hold(v)
    this.#inputs = inputs.map((v) => {
      const kept = runtime.alias(v)
      kept.requiresGrad = v.requiresGrad
      runtime.onSave(kept, 'recomputation')
      return kept
    })
  }

  /** A save of the forward: a place is held, nothing is kept. */
  pack(node: Node<D>, slot: string, why: string): void {
    if (node.held.length === 0) this.#open++
    node.checkpoint = this
    node.held = [...node.held, { slot, why, index: this.#holders++ }]
  }

  /** Keeps what a kernel of the forward made. */
  put(results: readonly Variable<D>[]): readonly Variable<D>[] {
    this.#kept.push(
      results.map((v) => {
        const kept = this.#runtime.alias(v)
        this.#runtime.onSave(kept, 'kept by the checkpoint')
        return kept
      }),
    )
    return results
  }

  /** Hands out what the same kernel made in the forward: whoever asks has it from now on (_CachedTorchDispatchMode). */
  take(): readonly Variable<D>[] {
    const results = this.#kept.shift()
    if (!results) throw new Error('the recomputation runs a kernel that its forward did not run')
    for (const v of results) this.#runtime.onUnsave(v)
    return results
  }

  /** The forward has ended; a region that saved nothing keeps nothing. */
  close(): void {
    this.#packing = false
    if (this.#open === 0) this.#end()
  }

  /**
   * A save of the recomputation: kept for its place, or false where that is gone (the graph of this run keeps it then, as
   * inner pack hooks return the tensor itself). Throws `StopRecomputation` after the last one.
   */
  keep(tensor: Variable<D>, why: string): boolean {
    const computed = this.#computed!
    const wanted = !this.#gone.has(computed.length)
    if (wanted) {
      const kept = this.#runtime.alias(tensor)
      this.#runtime.onSave(kept, why)
      computed.push(kept)
    } else computed.push(null)
    if (computed.length === this.#holders) throw STOP
    return wanted
  }

  unpack(node: Node<D>): void {
    if (this.#computed === null) {
      this.#computed = []
      this.#again(this.#inputs)
    }
    for (const { slot, why, index } of node.held) {
      const variable = this.#computed[index]
      if (!variable) throw new Error(`the recomputation of ${node.scope} did not save what its forward saved`)
      this.#computed[index] = null
      node.keep({ slot, why, variable })
    }
  }

  settle(node: Node<D>): void {
    if (node.held.length === 0) return
    for (const { index } of node.held) this.#gone.add(index)
    node.held = NOTHING
    if (--this.#open === 0 && !this.#packing) this.#end()
  }

  /** The last holder has gone, and with it the region's inputs, its closure and what was computed for nobody. */
  #end(): void {
    for (const v of this.#computed ?? []) if (v) this.#lifetimes.letGo(v)
    this.#computed = null
    // early stops leave the last ones
    for (const v of this.#kept.flat()) this.#lifetimes.letGo(v)
    this.#kept.length = 0
    for (const v of this.#inputs) this.#lifetimes.letGo(v)
    for (const v of this.#captured) this.#lifetimes.drop(v)
  }
}

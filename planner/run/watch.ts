import type { Executor } from '../execute/index.ts'
import type { Network } from '../network/network.ts'
import type { Parameter } from '../ops/ops.ts'

/** Fingerprints of all parameters: what froze must keep its bits, what trains must change. */
export class Watch {
  readonly #executor: Executor
  readonly #network: Network
  readonly #before: readonly number[]

  constructor(executor: Executor, network: Network) {
    this.#executor = executor
    this.#network = network
    this.#before = network.parameters.map((p) => this.#fingerprint(p))
  }

  /**
   * Compares with the beginning. Every frozen parameter must be bit-identical; every one that trains must differ, but for LoRA's A,
   * whose gradient is zero as long as B is.
   */
  compare(): { frozenUnchanged: boolean; trainableChanged: boolean } {
    let [frozenUnchanged, trainableChanged] = [true, true]
    this.#network.parameters.forEach((p, i) => {
      const same = this.#fingerprint(p) === this.#before[i]
      if (p.trains && same && !p.path.includes('.lora_A.')) trainableChanged = false
      if (!p.trains && !same) frozenUnchanged = false
    })
    return { frozenUnchanged, trainableChanged }
  }

  /** FNV-1a over the bits of the numbers. */
  #fingerprint(p: Parameter): number {
    const values = this.#executor.values(this.#executor.parameter(p))
    const words = new Uint32Array(values.buffer, values.byteOffset, Math.floor(values.byteLength / 4))
    let h = 2166136261
    for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words[i]!, 16777619)
    return h >>> 0
  }
}

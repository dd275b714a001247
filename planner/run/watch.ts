import type { Executor, Values } from '../execute/index.ts'
import type { Network } from '../network/network.ts'

/** Fingerprints of all parameters: what froze must keep its bits, what trains must change. */
export class Watch {
  readonly #executor: Executor
  readonly #network: Network
  readonly #before: readonly number[]

  private constructor(executor: Executor, network: Network, before: readonly number[]) {
    this.#executor = executor
    this.#network = network
    this.#before = before
  }

  /** Takes the fingerprints as they are now. */
  static async start(executor: Executor, network: Network): Promise<Watch> {
    return new Watch(executor, network, await fingerprints(executor, network))
  }

  /**
   * Compares with the beginning. Every frozen parameter must be bit-identical; every one that trains must differ, but for LoRA's A,
   * whose gradient is zero as long as B is.
   */
  async compare(): Promise<{ frozenUnchanged: boolean; trainableChanged: boolean }> {
    let [frozenUnchanged, trainableChanged] = [true, true]
    const after = await fingerprints(this.#executor, this.#network)
    this.#network.parameters.forEach((p, i) => {
      const same = after[i] === this.#before[i]
      if (p.trains && same && !p.path.includes('.lora_A.')) trainableChanged = false
      if (!p.trains && !same) frozenUnchanged = false
    })
    return { frozenUnchanged, trainableChanged }
  }
}

/** One after the other: a model's worth of copies at once would be another model in memory. */
async function fingerprints(executor: Executor, network: Network): Promise<number[]> {
  const found: number[] = []
  for (const p of network.parameters) found.push(fingerprint(await executor.read(executor.parameter(p))))
  return found
}

/** FNV-1a over the bits of the numbers. */
function fingerprint(values: Values): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, Math.floor(values.byteLength / 4))
  let h = 2166136261
  for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words[i]!, 16777619)
  return h >>> 0
}

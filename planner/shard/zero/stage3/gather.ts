import type { Simulator } from '../../../simulate/simulator.ts'
import type { SimTensor } from '../../../simulate/storage.ts'
import { axis } from '../../../trace/axes.ts'
import type { Place } from '../../../training/parallelism.ts'
import type { PartitionedParameter } from './parameter.ts'

/** How parts become wholes. */
export interface GatherManner {
  readonly simulator: Simulator
  readonly ranks: number
  /** Where parts lie. */
  readonly place: Place
}

/** A gather under way, held once by each of its parameters (AllGatherHandle, AllGatherCoalescedHandle). */
export interface Gather {
  /** Its parameters are whole from here on. */
  wait(): void
  /** One of them does not hold it any more. */
  letGo(): void
}

/** Copies of parts on the device, while a collective reads them. */
function uploaded({ simulator, place }: GatherManner, parameters: readonly PartitionedParameter[]): SimTensor[] {
  if (place === 'device') return []
  return parameters.map((p) => simulator.alloc([axis('n/ranks', p.part)], p.parameter.dtype))
}

/** Starts a gather that is waited for later (`all_gather_coalesced`). */
export function startGather(manner: GatherManner, unordered: readonly PartitionedParameter[]): Gather {
  const { simulator, ranks, place } = manner
  const parameters = [...unordered].sort((a, b) => a.parameter.index - b.parameter.index)
  simulator.position.op = 'all_gather'
  for (const p of parameters) p.status = 'in flight'
  const wait = (): void => {
    for (const p of parameters) p.status = 'whole'
  }
  const done = { wait, letGo: () => undefined }
  if (ranks === 1) {
    // The part is the whole, and a tensor of its own on the device only where it comes from the host.
    if (place === 'host') for (const p of parameters) p.fill(null)
    return done
  }
  const [only] = parameters
  if (parameters.length === 1 && only) {
    only.fill(only.part * ranks)
    for (const v of uploaded(manner, parameters)) simulator.release(v)
    return done
  }
  return new Coalesced(manner, parameters)
}

/** Several in one buffer, copied apart when they are waited for; the buffer lives until the last of them has been asked for. */
class Coalesced implements Gather {
  readonly #simulator: Simulator
  readonly #parameters: readonly PartitionedParameter[]
  readonly #buffer: SimTensor
  #holders: number
  #waited = false

  constructor(manner: GatherManner, parameters: readonly PartitionedParameter[]) {
    const { simulator, ranks } = manner
    this.#simulator = simulator
    this.#parameters = parameters
    this.#holders = parameters.length
    const elements = parameters.reduce((n, p) => n + p.part, 0) * ranks
    this.#buffer = simulator.alloc([axis('gathered', elements)], parameters[0]!.parameter.dtype)
    for (const v of uploaded(manner, parameters)) simulator.release(v)
  }

  wait(): void {
    if (this.#waited) return
    this.#waited = true
    this.#simulator.position.op = 'all_gather'
    for (const p of this.#parameters) {
      p.fill(null)
      p.status = 'whole'
    }
  }

  letGo(): void {
    if (--this.#holders === 0) this.#simulator.release(this.#buffer)
  }
}

/** Gathers at once, each parameter in a buffer that becomes it (`_allgather_params_coalesced`, `_allgather_params_sequential`). */
export function gatherNow(manner: GatherManner, parameters: readonly PartitionedParameter[]): void {
  const { simulator, ranks, place } = manner
  simulator.position.op = 'all_gather'
  const missing = parameters.filter((p) => p.status === 'partitioned')
  if (ranks === 1 && missing.length > 1) {
    if (place === 'host') for (const p of missing) p.fill(null)
  } else if (missing.length === 1) {
    missing[0]!.fill(missing[0]!.part * ranks)
    for (const v of uploaded(manner, missing)) simulator.release(v)
  } else {
    const copies = uploaded(manner, missing)
    for (const p of missing) p.fill(p.part * ranks)
    for (const v of copies) simulator.release(v)
  }
  for (const p of missing) p.status = 'whole'
}

import type { ModelSpec } from '../../models/spec.ts'
import type { Device } from '../devices/index.ts'
import { byTurn, withLayers } from '../predict/depths.ts'
import { stepFlops } from '../predict/flops.ts'
import type { Stack } from '../predict/index.ts'
import type { TrainSpec } from '../training/spec.ts'

/** What one step has to do: operations of its products, and bytes of what it makes on the device. */
export interface Work {
  readonly flops: number
  readonly madeBytes: number
}

/**
 * A step's work from two shallow models: layers add alike. Micro-steps beyond the first are as the first. Throws `Refusal` for what
 * is not modelled.
 */
export function workOf(model: ModelSpec, train: TrainSpec, { dialect, library }: Stack): Work {
  const once = { ...train, accumulation: 1 }
  const at = (layers: number | null): Work => {
    const { total: flops, madeBytes } = stepFlops(layers === null ? model : withLayers(model, layers), once, {
      dialect,
      library,
    })
    return { flops, madeBytes }
  }
  const depth = byTurn(model)
  const whole = depth ? between(at(depth.few), at(depth.few + depth.step), depth.more) : at(null)
  return { flops: whole.flops * train.accumulation, madeBytes: whole.madeBytes * train.accumulation }
}

/** What `steps` more of the difference make. */
const between = (a: Work, b: Work, steps: number): Work => ({
  flops: a.flops + steps * (b.flops - a.flops),
  madeBytes: a.madeBytes + steps * (b.madeBytes - a.madeBytes),
})

/** Ranks whose work tells that of any: all products and tensors of an adapter are in proportion to its rank. */
const [LOW, HIGH] = [8, 16]

/** Works of many settings, ranks of one structure from two of them. */
export class Works {
  readonly #model: ModelSpec
  readonly #stack: Stack
  readonly #known = new Map<string, Work>()

  constructor(model: ModelSpec, stack: Stack) {
    this.#model = model
    this.#stack = stack
  }

  of(train: TrainSpec): Work {
    const { adapter } = train
    if (!adapter) return this.#at(train)
    const [low, high] = [LOW, HIGH].map((rank) => this.#at({ ...train, adapter: { ...adapter, rank } }))
    return between(low!, high!, (adapter.rank - LOW) / (HIGH - LOW))
  }

  #at(train: TrainSpec): Work {
    const key = JSON.stringify(train)
    const known = this.#known.get(key) ?? workOf(this.#model, train, this.#stack)
    this.#known.set(key, known)
    return known
  }
}

/** Each storage that is made is written once and read once. */
const PASSES = 2

/**
 * Seconds of a step on a device that multiplies and moves at its peak rates, one after the other. A formula for comparing settings,
 * no prediction of time: kernels reach a part of either. Without a known device only products count, at one operation a second.
 */
export function secondsOf({ flops, madeBytes }: Work, train: TrainSpec, device: Device | null): number {
  if (device === null) return flops
  const type = train.autocast === 'none' ? train.dtype : train.autocast
  const rate = device.tflops[type] ?? device.tflops.float32
  return flops / (rate * 1e12) + (PASSES * madeBytes) / (device.gbps * 1e9)
}

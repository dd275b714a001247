import type { Device } from '../devices/index.ts'
import type { Work } from '../predict/index.ts'
import type { TrainSpec } from '../training/spec.ts'

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

import type { Device } from './device.ts'

/**
 * MiB that Metal recommends to use at most, by the gigabytes of the machine: two thirds of up to 32, three quarters of more.
 * Newer systems allow more (110 100 MiB of 128 GB); the least of what was seen stands here.
 */
const WORKING_SET: Readonly<Record<number, number>> = {
  8: 5461,
  16: 10_922,
  18: 12_288,
  24: 16_384,
  32: 21_845,
  36: 27_648,
  48: 36_864,
  64: 49_152,
  96: 73_728,
  128: 98_304,
  192: 147_456,
}

interface Chip {
  readonly chip: string
  readonly gbps: number
  /** float32; Apple gives no rates, these are those of @huggingface/tasks. */
  readonly tflops: number
  readonly sizes: readonly (keyof typeof WORKING_SET)[]
}

const CHIPS: readonly Chip[] = [
  { chip: 'M1', gbps: 68, tflops: 2.6, sizes: [8, 16] },
  { chip: 'M1 Pro', gbps: 200, tflops: 5.2, sizes: [16, 32] },
  { chip: 'M1 Max', gbps: 400, tflops: 10.4, sizes: [32, 64] },
  { chip: 'M1 Ultra', gbps: 800, tflops: 21, sizes: [64, 128] },
  { chip: 'M2', gbps: 100, tflops: 3.6, sizes: [8, 16, 24] },
  { chip: 'M2 Pro', gbps: 200, tflops: 6.8, sizes: [16, 32] },
  { chip: 'M2 Max', gbps: 400, tflops: 13.49, sizes: [32, 64, 96] },
  { chip: 'M2 Ultra', gbps: 800, tflops: 27.2, sizes: [64, 128, 192] },
  { chip: 'M3', gbps: 100, tflops: 4.1, sizes: [8, 16, 24] },
  { chip: 'M3 Pro', gbps: 150, tflops: 7.4, sizes: [18, 36] },
  { chip: 'M3 Max', gbps: 400, tflops: 14.2, sizes: [48, 64, 128] },
  { chip: 'M3 Ultra', gbps: 819, tflops: 28.4, sizes: [96] },
  { chip: 'M4', gbps: 120, tflops: 4.6, sizes: [16, 24, 32] },
  { chip: 'M4 Pro', gbps: 273, tflops: 9.2, sizes: [24, 48, 64] },
  { chip: 'M4 Max', gbps: 546, tflops: 18.4, sizes: [48, 64, 128] },
  { chip: 'M5', gbps: 153, tflops: 5.7, sizes: [16, 24, 32] },
]

/** Apple silicon, by chip and memory: the processor and the GPU share one memory. */
export const APPLE: readonly Device[] = CHIPS.flatMap(({ chip, gbps, tflops, sizes }) =>
  sizes.map(
    (gigabytes): Device => ({
      name: `${chip.toLowerCase().replace(' ', '-')}-${gigabytes}gb`,
      product: `Apple ${chip} ${gigabytes}GB`,
      vendor: 'apple',
      mib: WORKING_SET[gigabytes]!,
      marketed: gigabytes,
      gbps,
      tflops: { float32: tflops },
      capability: chip,
      note: 'Unified memory; the figure is what Metal recommends to use at most.',
      sources: {
        memory: 'recommendedMaxWorkingSetSize in logs of llama.cpp: https://github.com/ggml-org/llama.cpp/issues/3213',
        rates: 'https://support.apple.com/specs and @huggingface/tasks',
      },
    }),
  ),
)

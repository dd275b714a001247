/** Dense peak rates in 10¹² operations a second, products summed in float32, as training does. */
export interface Rates {
  /** Outside the matrix units. */
  readonly float32: number
  /** Float32 operands cut to 19 bits on the matrix units (TF32); absent where there is no such unit. */
  readonly tensorFloat32?: number
  readonly float16?: number
  readonly bfloat16?: number
}

export type Vendor = 'nvidia' | 'amd' | 'apple'

/** An accelerator as one process sees it: what it holds, how fast it moves and multiplies, and who says so. */
export interface Device {
  /** How `--gpu` calls it. */
  readonly name: string
  /** What the driver calls it (`torch.cuda.get_device_name()`). */
  readonly product: string
  readonly aliases?: readonly string[]
  readonly vendor: Vendor
  /**
   * MiB that the driver reports in all: `memory.total` of nvidia-smi, `VRAM Total Memory` of rocm-smi, Metal's
   * `recommendedMaxWorkingSetSize`. It is less than the gigabytes on the box where error correction or firmware keep some.
   */
  readonly mib: number
  /** Gigabytes on the box, for people who know the device by them. */
  readonly marketed: number
  /** Memory bandwidth in 10⁹ bytes a second. */
  readonly gbps: number
  readonly tflops: Rates
  /** CUDA's compute capability, AMD's gfx target, Apple's chip. */
  readonly capability: string
  /** What a reader of the figures should know. */
  readonly note?: string
  readonly sources: { readonly memory: string; readonly rates: string }
}

export const MIB = 2 ** 20

/** Bytes that the driver reports in all. */
export const capacityOf = (device: Device): number => device.mib * MIB

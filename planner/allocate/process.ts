import type { Device } from '../devices/index.ts'

const MIB = 2 ** 20

/** What a process holds on a device beside its allocator, from what others published. Bytes. */
export interface Overhead {
  readonly low: number
  readonly high: number
  readonly basis: string
}

/** MiB of a context right after it was made, as published for single devices: from the least to the most of a generation. */
interface Context {
  readonly of: string
  readonly matches: (device: Device | null) => boolean
  readonly low: number
  readonly high: number
  readonly sources: readonly string[]
}

const capability = (device: Device | null): number =>
  device?.vendor === 'nvidia' ? Number(device.capability) : Number.NaN

const T4 = 'torch-preflight, documentation: 135 MiB on T4'
const FORUM = 'discuss.pytorch.org/t/73021: 723 MiB'
const RTX3090 = 'github.com/invoke-ai/InvokeAI/issues/9413: 256 MiB on RTX 3090, torch 2.7 with CUDA 12.8'
const ADA = 'github.com/unslothai/unsloth-zoo/pull/1053: 426 MiB on RTX 6000 Ada, torch 2.10 with CUDA 13.0'
const SERVER = 'github.com/LMCache/LMCache/issues/4019: 616 MiB on a server, generation not said'
const PTRBLCK = 'github.com/pytorch/pytorch/issues/109888: around 400 MB from CUDA 11.7 on'
const ROCM = 'github.com/ROCm/legacy-rocm-build/issues/4750: 284 MiB in use on an idle MI300X'

/** The first that matches holds. CUDA 11.7 or later with modules loaded when they are first used, PyTorch's default. */
const CONTEXTS: readonly Context[] = [
  { of: 'Volta and Turing', matches: (d) => capability(d) < 8, low: 135, high: 723, sources: [T4, FORUM] },
  { of: 'Ampere and Ada', matches: (d) => capability(d) < 9, low: 256, high: 426, sources: [RTX3090, ADA] },
  { of: 'Hopper and Blackwell', matches: (d) => capability(d) >= 9, low: 400, high: 616, sources: [PTRBLCK, SERVER] },
  { of: 'ROCm', matches: (d) => d?.vendor === 'amd', low: 284, high: 1024, sources: [ROCM] },
  { of: 'any device', matches: () => true, low: 135, high: 616, sources: [T4, SERVER] },
]

/**
 * Modules of kernels that are loaded when first used: a serving process on an H100 had 164 MiB of them
 * (github.com/vllm-project/vllm/pull/12126). A training step uses more libraries (flash-attn, bitsandbytes); nobody published
 * how much they take, so the upper end is a guess that says so.
 */
const MODULES = { low: 0, high: 512, published: 164 }

/** Context and libraries of a process on a device; `null` for a device that is only known by its size. */
export function overheadOf(device: Device | null): Overhead {
  const context = CONTEXTS.find((c) => c.matches(device))!
  return {
    low: (context.low + MODULES.low) * MIB,
    high: (context.high + MODULES.high) * MIB,
    basis: `context (${context.of}: ${context.low} to ${context.high} MiB) with up to ${MODULES.high} MiB of kernels' modules, a guess`,
  }
}

/** Everything published that the contexts rest on, by generation. */
export const CONTEXT_SOURCES: readonly {
  readonly of: string
  readonly low: number
  readonly high: number
  readonly sources: readonly string[]
}[] = CONTEXTS

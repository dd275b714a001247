import type { Device } from '../devices/index.ts'

/** What a device's allocator makes of requests, as far as it does not depend on their history. */
export interface Allocator {
  /** Bytes of the block that a storage of so many bytes is given; none for an empty one. */
  block(bytes: number): number
  /** Bytes that a library holds beside all tensors, and why; `device` where it is known. */
  workspaces(device: Device | null): { readonly bytes: number; readonly basis: string }
}

/** c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize: round_size goes up to a multiple of it. */
const BLOCK = 512

/** aten/src/ATen/cuda/CublasHandlePool.cpp, parseChosenWorkspaceSize: `:4096:2:16:8`, and 32 MiB on Hopper and Blackwell. */
const WORKSPACE = 2 * 4096 * 1024 + 8 * 16 * 1024
const LARGE_WORKSPACE = 8 * 4096 * 1024
const HOPPER_OR_LATER = 9

/** One handle for the thread of the forward and one for the backward's, each with a workspace of its own. */
const HANDLES = 2

/**
 * PyTorch's caching allocator, without its memory of what it has given before: a block that is taken again whole where less than
 * a megabyte would be left counts as what was asked for, so real figures may lie a few megabytes higher.
 */
export const torchCuda: Allocator = {
  block: (bytes) => Math.ceil(bytes / BLOCK) * BLOCK,
  workspaces(device) {
    const large = device?.vendor === 'nvidia' && Number(device.capability) >= HOPPER_OR_LATER
    const one = large ? LARGE_WORKSPACE : WORKSPACE
    const where = large ? 'on Hopper and later' : 'before Hopper'
    return { bytes: HANDLES * one, basis: `blocks of ${BLOCK} bytes, two cuBLAS workspaces as ${where}` }
  },
}

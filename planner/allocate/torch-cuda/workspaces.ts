import type { Device } from '../../devices/index.ts'

const KIB = 2 ** 10

/** What the matrix library's handles hold, each from its first product on. */
export interface Workspaces {
  /** Bytes of one. */
  readonly bytes: number
  /** One handle for the thread of the forward, one for the backward's. */
  readonly handles: 2
  readonly basis: string
}

/**
 * aten/src/ATen/cuda/CublasHandlePool.cpp, parseChosenWorkspaceSize: `:4096:2:16:8`, 32 MiB on Hopper and later; ROCm 32 MiB, 128
 * on gfx942 and gfx950. A workspace is a block of the caching allocator, kept by handle and stream (setWorkspaceForHandle) and
 * shared with cuBLASLt (TORCH_CUBLASLT_UNIFIED_WORKSPACE, on by default).
 */
export function workspacesOf(device: Device | null): Workspaces {
  const [kib, where] = sizeOf(device)
  return { bytes: kib * KIB, handles: 2, basis: `two cuBLAS workspaces as ${where}` }
}

function sizeOf(device: Device | null): readonly [kib: number, where: string] {
  const { vendor, capability } = device ?? {}
  if (vendor === 'amd')
    return /^gfx9(42|50)$/.test(capability ?? '') ? [128 * KIB, `on ${capability}`] : [32 * KIB, 'on ROCm']
  if (vendor === 'nvidia' && Number(capability) >= 9) return [32 * KIB, 'on Hopper and later']
  return [2 * 4096 + 8 * 16, 'before Hopper']
}

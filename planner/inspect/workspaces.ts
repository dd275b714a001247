/** What libraries allocate beside all tensors and keep, by its exact size. */
const KNOWN: ReadonlyMap<number, string> = new Map([
  // aten/src/ATen/cuda/CublasHandlePool.cpp, parseChosenWorkspaceSize: `:4096:2:16:8`
  [2 * 4096 * 1024 + 8 * 16 * 1024, 'cuBLAS workspace before Hopper'],
  // the same: `:4096:8` from Hopper on
  [8 * 4096 * 1024, 'cuBLAS workspace on Hopper and later'],
])

export interface Workspace {
  readonly name: string
  readonly bytes: number
  readonly count: number
}

/** Which of the storages that the plan does not have are workspaces. */
export function workspacesIn(
  measured: ReadonlyMap<number, number>,
  predicted: ReadonlyMap<number, number>,
): Workspace[] {
  return [...KNOWN].flatMap(([bytes, name]) => {
    const count = (measured.get(bytes) ?? 0) - (predicted.get(bytes) ?? 0)
    return count > 0 ? [{ name, bytes, count }] : []
  })
}
